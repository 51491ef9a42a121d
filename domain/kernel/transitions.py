"""State machines: which state may follow on which."""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from domain.kernel.errors import Conflict

S = TypeVar("S", bound=Enum)


def require_edge(edges: Mapping[S, frozenset[S]], current: S, wanted: S, what: str) -> bool:
    """False when nothing is to be done, True for a legal change; Conflict for any other."""
    if current == wanted:
        return False
    if wanted not in edges[current]:
        raise Conflict(
            f"A {what} that is {current.name} cannot become {wanted.name}",
            current=current.name,
            wanted=wanted.name,
        )
    return True

"""One simulated device: what runs it, where it is, what an edge is told of it, what it obeys."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from oktograph.simulation.console import Word
from oktograph.simulation.misfortunes import Faulty

# By the names that environment variables have after OKTOGRAPH_.
Settings = Mapping[str, Any]
S_co = TypeVar("S_co", bound=AbstractAsyncContextManager[Any], covariant=True)


@dataclass(frozen=True, slots=True)
class Device(Generic[S_co]):
    """`simulator` raises OSError where its place is taken. `where` and `settings` hold once it
    runs; `machine` is what moves behind it then."""

    what: str
    simulator: S_co
    where: Callable[[], str]
    settings: Callable[[], Settings]
    faulty: Faulty
    words: Mapping[str, Word]
    machine: AbstractAsyncContextManager[Any] = field(default_factory=nullcontext)

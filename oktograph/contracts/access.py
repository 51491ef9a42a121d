"""Who may call which documented route of the old APIs: one table, `access.csv`.

`needs` has permissions, or a dialect's own names for them, all of which a caller must have;
`public`, `known` (whoever is somebody), `level` (whoever has one of OnTakt's) or `device` (a
device, and nobody else). `device` says `own` where a device's token opens what is its own.
docs/permissions.md shows the table, and tests/parity/test_access.py holds every route to it.
"""

import csv
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from domain.identity.mappings import INSIGHT, ONTAKT_LEVELS, OTAO, VALTRONICS, Names
from domain.kernel.permissions import ROLE_PERMISSIONS, Permission

TABLE: Final = Path(__file__).with_name("access.csv")
PUBLIC: Final = "public"
KNOWN: Final = "known"
LEVEL: Final = "level"
DEVICE: Final = "device"
OWN: Final = "own"
SOCKET: Final = "WS"
VOCABULARIES: Final[dict[str, Names]] = {
    "insight": INSIGHT,
    "otao": OTAO,
    "valtronics": VALTRONICS,
}


class Route(NamedTuple):
    """`needs` is None where a permission is not what decides; then `who` says what does."""

    dialect: str
    method: str
    path: str
    who: str
    needs: frozenset[Permission] | None
    own: bool

    def may(self, permissions: Collection[Permission]) -> bool:
        """Of somebody who is no device."""
        held = frozenset(permissions)
        if self.needs is not None:
            return self.needs <= held
        if self.who == LEVEL:
            return any(ROLE_PERMISSIONS[role] <= held for role in ONTAKT_LEVELS.values())
        return self.who in (PUBLIC, KNOWN)

    @property
    def name(self) -> str:
        return f"{self.dialect} {self.method} {self.path}"


@cache
def routes() -> tuple[Route, ...]:
    """Raises ValueError for a word that is no permission and no name of one."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        return tuple(_route(row) for row in csv.DictReader(file))


def _route(row: dict[str, str]) -> Route:
    words, dialect = row["needs"].split(), row["dialect"]
    decided = words[0] in (PUBLIC, KNOWN, LEVEL, DEVICE)
    needs = None if decided else frozenset().union(*(_held(dialect, word) for word in words))
    own = row["device"] == OWN
    return Route(dialect, row["method"], row["path"], row["needs"], needs, own)


def _held(dialect: str, word: str) -> frozenset[Permission]:
    own = VOCABULARIES.get(dialect, {}).get(word)
    return frozenset({Permission(word)}) if own is None else own

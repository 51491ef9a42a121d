"""What the installation itself is asked for: a copy of its database, to begin anew."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from domain.kernel.errors import Unavailable


class NotSupervised(Unavailable):
    """Nobody would start this process again."""

    def __init__(self) -> None:
        super().__init__("Nothing here would start this service again: it cannot restart itself")


class BackupRow(NamedTuple):
    """`name` is a file's, fit for an address and a header."""

    name: str
    size_bytes: int
    created_at_us: int


class Kept(NamedTuple):
    """A backup that is kept now, and those that had to go for it."""

    made: BackupRow
    removed: list[BackupRow]


class Download(Protocol):
    """A whole backup on its way out; what is not read is let go of with the object."""

    @property
    def name(self) -> str: ...

    @property
    def size_bytes(self) -> int: ...

    def chunks(self) -> AsyncIterator[bytes]: ...


class Backups(Protocol):
    """Copies of the database as it is at one moment, made while it is in use. Both makers raise
    Unavailable where the dump cannot be begun (its tool is missing, another is under way),
    UpstreamFailed where it fails, TimedOut where it takes too long; of a failed one nothing stays.
    """

    async def take(self, *, compress: bool) -> Download:
        """For whoever asks now: kept nowhere."""

    async def keep(self, *, compress: bool) -> Kept:
        """The oldest of those that are kept goes, where it is one too many."""

    async def kept(self) -> list[BackupRow]:
        """The newest first."""

    async def open(self, name: str) -> Download | None: ...

    async def remove(self, name: str) -> BackupRow | None:
        """What it was."""


class Restarter(Protocol):
    def check(self) -> None:
        """Raises NotSupervised."""

    def begin(self) -> None:
        """Answers that are under way are given first. Raises NotSupervised."""


class RecentLog(Protocol):
    def lines(self) -> list[dict[str, Any]]:
        """The latest of this process, the oldest first, without a value in them that could be a
        secret: `{at, level, logger, event}`, and `correlation_id`, `error`, `place` where known;
        `at` in UNIX seconds."""


@dataclass(frozen=True, slots=True)
class InstallationServices:
    """`owner_id` is the customer whose installation it is: its database holds what is every
    customer's, so nobody else may copy or stop it."""

    owner_id: int
    backups: Backups
    restarter: Restarter
    recent: RecentLog

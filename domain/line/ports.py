"""What the rest of the house may ask of the line's hardware."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ScannerStatus:
    """`state` is the supervisor's; `last_read_at_us` is null until something was read."""

    index: int
    name: str
    line_id: str | None
    transport: str
    model: str
    role: str
    address: str
    state: str
    connected: bool
    since_us: int
    last_error: str | None
    read_count: int
    last_read_at_us: int | None


class LinePort(Protocol):
    def scanners(self) -> list[ScannerStatus]:
        """A snapshot, by index."""

"""What the driver needs of a chip, real or simulated."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from drivers.gpio.port import GpioConfig


@dataclass(frozen=True, slots=True)
class Edge:
    """A button's line became active (as wired: `active_low` is taken into account) or not.
    `at_ns` is of the clock of `time.monotonic_ns`."""

    line: int | str
    active: bool
    at_ns: int


@dataclass(frozen=True, slots=True)
class Opened:
    """`active` by line, of each button."""

    peer: str
    active: dict[int | str, bool]


NowNs = Callable[[], int]
OnEdges = Callable[[list[Edge]], None]
OnLost = Callable[[Exception], None]


class Chip(Protocol):
    """All lines are asked for at once, and let go of at once."""

    async def open(self, config: GpioConfig, on_edges: OnEdges, on_lost: OnLost) -> Opened:
        """Takes the lines, lamps dark. Both callbacks come from the loop, until `close`;
        `on_lost` once at most. Raises PeerLost, OSError or ConfigurationFault."""

    async def set(self, line: int | str, on: bool) -> None:
        """A lamp's line. Raises PeerLost or OSError."""

    async def close(self) -> None:
        """Twice is fine; may be opened again."""

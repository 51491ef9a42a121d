"""What a supervised driver and its supervisor know of each other."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class LinkState(StrEnum):
    """CONNECTING holds until the first outcome only; later attempts happen within LOST, so that
    a peer that stays away is one change of state and not one per attempt."""

    STOPPED = "STOPPED"
    CONNECTING = "CONNECTING"
    CONNECTED = "CONNECTED"
    LOST = "LOST"
    FAULTED = "FAULTED"


class PeerLost(Exception):
    """The peer went away or fell silent; another attempt may find it again."""


class ConfigurationFault(Exception):
    """No attempt can succeed until somebody changes the configuration: do not retry."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """`reason` is for people: why the peer is lost, or who the peer is once it is connected."""

    name: str
    previous: LinkState
    state: LinkState
    at_us: int
    reason: str | None = None


OnTransition = Callable[[StateChange], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class LinkSnapshot:
    """One device on a status page. `attempts` counts since the last stable connection."""

    name: str
    state: LinkState
    since_us: int
    peer: str | None
    last_error: str | None
    attempts: int
    readings: int
    last_reading_at_us: int | None
    counters: Mapping[str, int] = field(default_factory=dict)


class Link(Protocol):
    """How a driver tells its supervisor, during one attempt, what it has reached."""

    async def connected(self, peer: str) -> None:
        """The peer answers. Told again within one attempt, it only renames the peer."""

    def reading(self, at_us: int) -> None:
        """Something was read; for the status page."""


class Driver(Protocol):
    """One device. A blocking library belongs in a thread of the driver's own."""

    async def run(self, link: Link) -> None:
        """One attempt: reach the peer, say so, work until it is lost, and return or raise.

        Raises ConfigurationFault where another attempt is pointless; anything else, and a plain
        return, means lost. Called again for every attempt, never twice at once.
        """

    async def aclose(self) -> None:
        """Lets go of what outlives an attempt. Closing twice is fine, running again too."""

    def counters(self) -> Mapping[str, int]:
        """What the driver counts, by name, since it was made."""

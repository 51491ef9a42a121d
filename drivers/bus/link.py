"""What is common to every broker: the state of the link, its timing, and what came in over it."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from broadcaster import Event

from drivers.backoff import BackoffPolicy

_BACKOFF = BackoffPolicy(base_s=0.2, cap_s=10.0)


class LinkState(StrEnum):
    CLOSED = "CLOSED"
    CONNECTING = "CONNECTING"
    LIVE = "LIVE"
    LOCAL = "LOCAL"
    """One process only: there is nobody else to tell."""
    LOST = "LOST"


@dataclass(frozen=True, slots=True)
class BusTiming:
    """`answer_s` bounds every exchange with the broker. A link that was silent for `heartbeat_s`
    is asked whether it still lives. `spacing_s` lies between two publishes: a flood costs each
    reader 1 / spacing_s looks a second.
    """

    answer_s: float = 5.0
    heartbeat_s: float = 10.0
    backoff: BackoffPolicy = _BACKOFF
    spacing_s: float = 0.005


class LinkLost(ConnectionError):
    """The broker, or the way to it, is gone."""


class Inbox:
    """Messages on their way from a connection to its one reader, at most one a channel.

    What this process published itself is turned away at the door: further in, where only one
    message waits, an echo could take the place of a peer's.
    """

    def __init__(self, own: str) -> None:
        self._own = own
        self._waiting: dict[str, Event] = {}
        self._changed = asyncio.Event()
        self._fault: Exception | None = None
        self.received = 0
        self.merged = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def open(self) -> None:
        """A new connection: what the last one left behind is void."""
        self._waiting.clear()
        self._fault = None

    def deliver(self, channel: str, message: str) -> None:
        if message == self._own:
            return
        self.received += 1
        self.merged += channel in self._waiting
        self._waiting[channel] = Event(channel, message)
        self._changed.set()

    def fail(self, fault: Exception) -> None:
        """The connection will bring nothing more."""
        self._fault = fault
        self._changed.set()

    async def take(self) -> Event:
        """The next message. Raises LinkLost once the connection is known to be gone."""
        while not self._waiting:
            if self._fault is not None:
                raise LinkLost(str(self._fault) or type(self._fault).__name__) from self._fault
            self._changed.clear()
            await self._changed.wait()
        return self._waiting.pop(next(iter(self._waiting)))


async def end(task: asyncio.Task[None]) -> None:
    """Cancels until it is heard: libraries may swallow one (asyncio.wait_for before 3.12)."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.1)

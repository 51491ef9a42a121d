"""What the supervised broadcast asks of a broker: broadcaster's contract and a sign of life."""

from abc import ABC, abstractmethod

from broadcaster import BroadcastBackend, Event

from drivers.bus.link import Inbox


class BusBackend(BroadcastBackend, ABC):
    """One broker. Every call may raise whatever its library raises; the caller bounds the time.

    `connect` makes a fresh link, whatever was before; `disconnect` may be called at any time.
    `subscribe` returns only when the broker has confirmed. `next_published` raises LinkLost.
    """

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox

    async def next_published(self) -> Event:
        return await self.inbox.take()

    @abstractmethod
    async def ping(self) -> None:
        """Returns if the link that brings messages lives."""

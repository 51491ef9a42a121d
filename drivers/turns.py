"""Whose request goes next on a link that answers one at a time: who acts before who looks."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# Past so many in a row one that waits in the other queue goes: a flood of writes must not leave
# the line's inputs unread for ever.
MOST_IN_A_ROW = 16


class Turns:
    """A lock with two queues. A turn is one request and its answer, or the few that belong
    together; whoever takes it with `first` waits for the turn under way and no other poll."""

    def __init__(self) -> None:
        self._taken = False
        self._first: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._in_a_row = 0

    @property
    def waiting(self) -> int:
        return len(self._first) + len(self._others)

    @asynccontextmanager
    async def first(self) -> AsyncIterator[None]:
        await self._take(self._first)
        try:
            yield
        finally:
            self._pass_on()

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        await self._take(self._others)
        try:
            yield
        finally:
            self._pass_on()

    async def _take(self, queue: deque[asyncio.Future[None]]) -> None:
        if not self._taken:
            self._taken = True
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._pass_on()  # the turn came in the same moment
            elif place in queue:
                queue.remove(place)
            raise

    def _pass_on(self) -> None:
        """The turn goes from hand to hand: nobody who comes now gets in between."""
        while (place := self._next()) is not None:
            if not place.done():
                place.set_result(None)
                return
        self._taken = False

    def _next(self) -> asyncio.Future[None] | None:
        overdue = self._in_a_row >= MOST_IN_A_ROW and bool(self._others)
        if self._first and not overdue:
            self._in_a_row += 1
            return self._first.popleft()
        self._in_a_row = 0
        return self._others.popleft() if self._others else None

"""One row of the log to many listeners, rendered once for all who may see the same.

Listeners with the same key form a group. Its one task renders each row once, in order, and puts
the same body on every member's own bounded queue. A listener that starts from a place in the past
reads the log by itself until it stands where the group stands, and joins there.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast

from domain.kernel.errors import Stopping, StreamGap
from domain.kernel.eventlog import LogRow
from domain.kernel.tail import LogTail

MAX_INBOX: Final = 10_000
"""Rows that may wait for one group: about what a bulk write of one transaction records."""
TURN: Final = 16
"""Rows after which a group lets the loop run its readers, even if no queue fills up."""

Body = TypeVar("Body")
Render = Callable[[LogRow], Awaitable[Body | None]]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery(Generic[Body]):
    """One rendered row. `body` is the same object for all members of a group."""

    seq: int
    body: Body


class Subscription(Generic[Body]):
    """One listener: iterate it from one task; `close` it from anywhere, any number of times.

    Ends by StopAsyncIteration after `close`, else by raising why it ended; StreamGap then names
    the cursor to resume from in `details["lastCursor"]`.
    """

    def __init__(
        self,
        fanout: "Fanout",
        key: Hashable,
        render: Render[Body],
        position: int,
        limit: int,
        owner: object,
    ) -> None:
        self.key = key
        self.owner = owner
        self.position = position
        """Rows up to this seq are not for the queue: they were before `after`, or replayed."""
        self.limit = limit
        self.queue: deque[Delivery[Body]] = deque()
        self.waiter: asyncio.Future[None] | None = None
        self.group: _Group | None = None
        self.render = render
        self._fanout = fanout
        self._page: deque[LogRow] = deque()
        self._error: Exception | None = None
        self._ended = False

    def __aiter__(self) -> "Subscription[Body]":
        return self

    async def __anext__(self) -> Delivery[Body]:
        if self.queue and self.group is not None:
            return self.queue.popleft()
        try:
            if self.group is None and not self._ended:
                missed = await self._next_missed()
                if missed is not None:
                    return missed
            return await self._next_live()
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """Nothing more is delivered, not even what is queued."""
        self.queue.clear()
        self.end(None)

    async def aclose(self) -> None:
        """As `close`, for `contextlib.aclosing`."""
        self.close()

    def end(self, error: Exception | None) -> None:
        """What is queued is still delivered, then the iteration ends, raising `error`."""
        if self._ended:
            return
        self._ended = True
        self._error = error
        self._page.clear()
        self._fanout.leave(self)
        self.wake()

    def wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def _next_missed(self) -> Delivery[Body] | None:
        """The next row from the log, or None once this member stands where its group stands."""
        while not self._ended:
            while self._page:
                row = self._page.popleft()
                body = await self.render(row)
                self.position = row.seq
                if body is not None and not self._ended:
                    return Delivery(row.seq, body)
            # Nothing is awaited between the end of the page and the join, so no row can slip by.
            if self._ended or self._fanout.join(self):
                break
            self._page.extend(await self._fanout.page_after(self.position))
        return None

    async def _next_live(self) -> Delivery[Body]:
        while not self.queue:
            if self._ended:
                raise self._error or StopAsyncIteration
            self.waiter = asyncio.get_running_loop().create_future()
            try:
                await self.waiter
            finally:
                self.waiter = None
        return self.queue.popleft()


class _Group:
    """Members that share one rendering. `head` is the last row that all of them have been given."""

    def __init__(self, fanout: "Fanout", key: Hashable, render: Render[Any], head: int) -> None:
        self.key = key
        self.head = head
        self.members: dict[Subscription[Any], None] = {}
        self.inbox: deque[LogRow] = deque()
        self._fanout = fanout
        self._render = render
        self._woken = asyncio.Event()
        # An empty context: what the first subscriber bound for its logs is not the group's.
        self.task = asyncio.get_running_loop().create_task(
            self._run(), name="fanout-group", context=Context()
        )

    def take(self, rows: Sequence[LogRow]) -> None:
        if len(self.inbox) + len(rows) > self._fanout.max_inbox:
            self._end_all("The stream could not keep up with the log; resume from lastCursor")
            return
        self.inbox.extend(rows)
        self._woken.set()

    async def _run(self) -> None:
        turns = 0
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self.inbox:
                turns += 1
                if await self._pass_on(self.inbox.popleft()) or turns % TURN == 0:
                    await asyncio.sleep(0)

    async def _pass_on(self, row: LogRow) -> bool:
        """True when some queue is half full, so its reader should get its turn now."""
        try:
            body = await self._render(row)
        except Exception as error:
            logger.exception("a stream ended: row %d cannot be rendered", row.seq)
            for member in tuple(self.members):
                member.end(error)
            return False
        crowded = body is not None and self._deliver(Delivery(row.seq, body))
        self.head = row.seq
        return crowded

    def _deliver(self, delivery: Delivery[Any]) -> bool:
        seq, crowded = delivery.seq, False
        slow: list[Subscription[Any]] = []
        for member in self.members:
            if seq <= member.position:
                continue
            waiting = len(member.queue)
            if waiting >= member.limit:
                slow.append(member)
                continue
            member.queue.append(delivery)
            crowded = crowded or (waiting + 1) * 2 >= member.limit
            member.wake()
        for member in slow:
            self._end(member, "The reader was too slow; resume from lastCursor")
        return crowded

    def _end_all(self, message: str) -> None:
        for member in tuple(self.members):
            self._end(member, message)

    def _end(self, member: Subscription[Any], message: str) -> None:
        last = self._fanout.tail.cursor(max(self.head, member.position))
        member.end(StreamGap(message, lastCursor=last))


class Fanout:
    """All live streams of one process, fed by its one reader of the log."""

    def __init__(self, tail: LogTail, *, max_inbox: int = MAX_INBOX) -> None:
        self.tail = tail
        self.max_inbox = max_inbox
        self._groups: dict[Hashable, _Group] = {}
        self._subscriptions: set[Subscription[Any]] = set()
        self._stopping: set[asyncio.Task[None]] = set()
        self._stop_listening: Callable[[], None] | None = None
        self._closed = False

    @property
    def subscriptions(self) -> int:
        """How many listeners there are, replaying ones included."""
        return len(self._subscriptions)

    @property
    def groups(self) -> int:
        """How many renderings of each new row they cost."""
        return len(self._groups)

    def subscribe(
        self,
        key: Hashable,
        render: Render[Body],
        after: int | None,
        limit: int,
        owner: object = None,
    ) -> Subscription[Body]:
        """`render` makes the body of a row, or None to leave it out, alike for all with this key.

        `after` is a seq (see LogTail.position) to resume behind, None for live from now. More
        than `limit` undelivered bodies end the subscription with StreamGap. `owner` is kept for
        `end_where`.
        """
        if self._closed:
            raise Stopping
        position = self.tail.head if after is None else after
        subscription = Subscription(self, key, render, position, limit, owner)
        self._subscriptions.add(subscription)
        if after is None:
            self.join(subscription)
        return subscription

    def end_where(self, predicate: Callable[[Subscription[Any]], bool], error: Exception) -> int:
        """Ends at once, with `error` and without what is queued; how many it ended."""
        chosen = [one for one in self._subscriptions if predicate(one)]
        for subscription in chosen:
            subscription.queue.clear()
            subscription.end(error)
        return len(chosen)

    async def close(self) -> None:
        """Ends every subscription by Stopping, refuses new ones, waits for the groups' tasks."""
        self._closed = True
        self.end_where(lambda _: True, Stopping())
        await asyncio.gather(*self._stopping, return_exceptions=True)

    def join(self, member: Subscription[Any]) -> bool:
        """Takes a member into its group if it has seen all that the group has, else False."""
        group = self._groups.get(member.key)
        if member.position < (self.tail.head if group is None else group.head):
            return False
        if group is None:
            group = self._open(member)
        group.members[member] = None
        member.group = group
        return True

    def leave(self, member: Subscription[Any]) -> None:
        self._subscriptions.discard(member)
        group = member.group
        if group is None or member not in group.members:
            return
        del group.members[member]
        if not group.members:
            self._close(group)

    async def page_after(self, seq: int) -> Sequence[LogRow]:
        """The next page of the log behind `seq`; empty at its head. StreamGap if trimmed."""
        pages = cast("AsyncGenerator[Sequence[LogRow], None]", self.tail.replay(seq))
        try:
            return await anext(pages, ())
        finally:
            await pages.aclose()

    def _open(self, member: Subscription[Any]) -> _Group:
        if self._stop_listening is None:
            self._stop_listening = self.tail.listen(self._take)
        group = _Group(self, member.key, member.render, self.tail.head)
        self._groups[member.key] = group
        return group

    def _close(self, group: _Group) -> None:
        del self._groups[group.key]
        group.inbox.clear()
        self._stopping.add(group.task)
        group.task.add_done_callback(self._stopping.discard)
        group.task.cancel()
        if not self._groups and self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None

    def _take(self, rows: Sequence[LogRow]) -> None:
        for group in tuple(self._groups.values()):
            group.take(rows)

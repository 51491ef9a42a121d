"""The figures of the queue: exact, and at the price of what is new since somebody last asked."""

from dataclasses import dataclass
from typing import Final

from domain.kernel.database import ReadSession
from domain.kernel.uow import UnitOfWork
from domain.sync.repository import connection, queue
from domain.sync.rows import QueueFigures


@dataclass(frozen=True, slots=True)
class Counted:
    """`waiting` items lie in (position, counted_seq]. `oldest_at_us` is the first one's time,
    once it was looked up."""

    position: int
    counted_seq: int
    waiting: int
    oldest_at_us: int | None = None


# A new process counts at most about this many facts again.
UNKEPT_FACTS: Final = 10_000


class QueueCounter:
    """Keeps what it counted; the durable count beside the reader is where a new process begins.

    A million uncounted facts take seconds, once; after that a question reads what came
    since. The log never changes behind the head, so what was counted stays true.
    """

    def __init__(self, reader: str = queue.EDGE_READER) -> None:
        self._reader = reader
        self._known: dict[int, Counted] = {}

    async def figures(self, session: ReadSession, customer_id: int) -> QueueFigures:
        """As of now. Every figure of the queue that anybody is shown comes from here."""
        counted = await self._count(session, customer_id)
        if counted.waiting == 0:
            return QueueFigures(0, None)
        if counted.oldest_at_us is None:
            oldest = await queue.oldest_at_us(session, customer_id, counted.position)
            counted = Counted(counted.position, counted.counted_seq, counted.waiting, oldest)
            self._known[customer_id] = counted
        return QueueFigures(counted.waiting, counted.oldest_at_us)

    async def keep(self, work: UnitOfWork) -> int:
        """Stores the count beside the reader. Ask for `figures` in a read first: counting a long
        backlog in here would hold the writer."""
        await connection.lock(work.session, work.customer_id)
        counted = await self._count(work.session, work.customer_id)
        await connection.change(
            work.session,
            work.customer_id,
            counted_seq=counted.counted_seq,
            waiting=counted.waiting,
        )
        return counted.waiting

    async def counted_seq(self, work: UnitOfWork) -> int:
        """How far `keep` has counted, in the same unit of work."""
        return (await self._count(work.session, work.customer_id)).counted_seq

    async def is_worth_keeping(self, session: ReadSession, customer_id: int) -> bool:
        """Whether much was counted since the count was stored."""
        stored = await queue.state(session, customer_id, self._reader)
        counted = await self._count(session, customer_id)
        kept = max(stored.counted_seq, stored.position)
        return counted.counted_seq - kept >= UNKEPT_FACTS

    async def _count(self, session: ReadSession, customer_id: int) -> Counted:
        base = self._base(customer_id, await queue.state(session, customer_id, self._reader))
        more = await queue.count_after(session, customer_id, base.counted_seq)
        # Read inside a transaction that may yet fail, and kept all the same: a fact counted here
        # is one that others have committed; this transaction's own are written at its very end.
        counted = Counted(
            base.position,
            base.counted_seq if more.last_seq is None else more.last_seq,
            base.waiting + more.weight,
            base.oldest_at_us,
        )
        self._known[customer_id] = counted
        return counted

    def _base(self, customer_id: int, stored: queue.QueueState) -> Counted:
        known = self._known.get(customer_id)
        if known is not None and known.position == stored.position:
            if known.counted_seq >= stored.counted_seq:
                return known
        elif known is not None and known.position > stored.position:
            del self._known[customer_id]  # the database was put back
        if stored.counted_seq < stored.position:
            return Counted(stored.position, stored.position, 0)
        return Counted(*stored)

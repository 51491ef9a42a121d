"""How long the queue waits for a way upstream that is not there.

The queue is the event log behind a durable reader, so what waits keeps the whole log. A way that
is set up and does not answer is waited for without end: nothing is lost to an outage. An edge that
nobody has given a way (no cloud, no factory, not provisioned) would keep its log for ever: it gives
up what has waited longer than its retention. Bottles, batches and pallets stay where they are.
"""

from typing import Final

from domain.journal.models import Severity
from domain.kernel import eventlog
from domain.kernel.clock import iso
from domain.kernel.retention import Retention, Trimmed
from domain.kernel.uow import UnitOfWork
from domain.sync.operations.notes import note
from domain.sync.passes import SyncRunner
from domain.sync.repository import connection, queue
from domain.sync.rows import QueuePage
from domain.sync.rules import after_page

NAME: Final = "sync_queue"
GIVEN_UP: Final = "Nothing is set up to deliver to: changes that waited too long are given up"


class QueueHold:
    """For one runner and one customer, as a retention."""

    def __init__(self, runner: SyncRunner, customer_id: int) -> None:
        self._runner = runner
        self._customer_id = customer_id
        self._told = False

    def retention(self, keep_s: float) -> Retention:
        return Retention(NAME, keep_s, self._remove, self._customer_id)

    async def _remove(self, work: UnitOfWork, before_us: int, limit: int) -> Trimmed:
        """Counted are items of the queue. The journal hears of the first ones only, until there
        is a way again."""
        reader = self._runner.lane.reader
        name = queue.reader_name(self._customer_id, reader)
        if await self._runner.has_way(self._customer_id):
            self._told = False
            return Trimmed(0, more=False)
        if not await eventlog.has_reader(work.session, name):
            return Trimmed(0, more=False)
        given_up = await give_up(work, reader, before_us, limit)
        if given_up.rows and not self._told:
            data = {"first_items": given_up.rows, "older_than": iso(before_us)}
            await note(work, Severity.WARNING, GIVEN_UP, data)
            self._told = True
        return given_up


async def give_up(work: UnitOfWork, reader: str, before_us: int, limit: int) -> Trimmed:
    """Moves the reader past at most `limit` older facts; how many items those stood for."""
    found = await connection.lock(work.session, work.customer_id)
    start = (await queue.state(work.session, work.customer_id, reader)).position
    end = await eventlog.last_old(work.session, start, before_us, limit)
    if end <= start:
        return Trimmed(0, more=False)
    facts = await queue.facts(work.session, work.customer_id, start, end, limit)
    passed = QueuePage(start, end, sum(fact.weight for fact in facts))
    await eventlog.move_reader(work.session, queue.reader_name(work.customer_id, reader), end)
    await connection.change(work.session, work.customer_id, **after_page(found, passed))
    return Trimmed(passed.weight, more=end - start >= limit)

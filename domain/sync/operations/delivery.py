"""The two halves of a delivery: taking a page from the queue, and settling its receipt.

Between them lies the call upstream. A process that dies before it, in it or after it leaves the
reader where it stood; the page is taken again and its states have the same or a higher version,
which upstream takes without a further effect.
"""

from domain.kernel import eventlog
from domain.kernel.uow import UnitOfWork
from domain.production.models import ItemKind
from domain.production.operations.history import remember
from domain.production.repository.aggregates import BATCH, PALLET
from domain.sync import events
from domain.sync.operations.notes import note_back, note_refused
from domain.sync.ports import SyncReceipt
from domain.sync.repository import connection, items, queue
from domain.sync.rows import Cargo, ConnectionRow, QueuePage
from domain.sync.rules import PAGE_ITEMS, after_page, page_of


async def take_page(work: UnitOfWork, reader: str, most: int = PAGE_ITEMS) -> QueuePage | None:
    """The queue's first page of about so many items, marked as sent; None when nothing waits."""
    found = await connection.lock(work.session, work.customer_id)
    start = (await queue.state(work.session, work.customer_id, reader)).position
    head = await eventlog.head(work.session)
    facts = await queue.facts(work.session, work.customer_id, start, head, most)
    page = page_of(start, head, facts, most, most)
    if page.weight == 0:
        if page.end > start:
            await _move_on(work, reader, found, page)
        return None
    await _mark_sent(work, page)
    return page


async def settle_page(
    work: UnitOfWork, reader: str, page: QueuePage, cargo: Cargo, receipt: SyncReceipt
) -> int | None:
    """How many items the cloud refused, at most the page's weight; None when another process
    has settled this page meanwhile."""
    found = await connection.lock(work.session, work.customer_id)
    if (await queue.state(work.session, work.customer_id, reader)).position != page.start:
        return None
    await _mark_synced(work, page, frozenset(receipt.accepted))
    await note_refused(work, receipt.rejected, cargo)
    if found.sync_errors:
        await note_back(work, found.sync_errors)
    await connection.change(
        work.session,
        work.customer_id,
        last_sync_at_us=work.now_us,
        sync_errors=0,
        last_error=None,
    )
    await _move_on(work, reader, found, page)
    return min(len(receipt.rejected), page.weight)


async def _move_on(work: UnitOfWork, reader: str, found: ConnectionRow, page: QueuePage) -> None:
    await eventlog.move_reader(work.session, queue.reader_name(work.customer_id, reader), page.end)
    await connection.change(work.session, work.customer_id, **after_page(found, page))


async def _mark_sent(work: UnitOfWork, page: QueuePage) -> None:
    session, customer_id = work.session, work.customer_id
    _record(
        work,
        events.ITEMS_SENT,
        await items.mark_bottles_sent(session, customer_id, page.bottle_ids, work.now_us),
        await items.mark_aggregates_sent(session, BATCH, customer_id, page.batch_ids),
        await items.mark_aggregates_sent(session, PALLET, customer_id, page.pallet_ids),
    )


async def _mark_synced(work: UnitOfWork, page: QueuePage, accepted: frozenset[str]) -> None:
    session, customer_id = work.session, work.customer_id
    bottle_ids = [item for item in page.bottle_ids if item in accepted]
    batch_ids = [item for item in page.batch_ids if item in accepted]
    pallet_ids = [item for item in page.pallet_ids if item in accepted]
    synced = await items.mark_bottles_synced(session, customer_id, bottle_ids, work.now_us)
    await remember(work, ItemKind.BOTTLE, synced, "SYNCED", status="SYNCED")
    _record(
        work,
        events.ITEMS_SYNCED,
        synced,
        await items.mark_aggregates_synced(session, BATCH, customer_id, batch_ids),
        await items.mark_aggregates_synced(session, PALLET, customer_id, pallet_ids),
    )


def _record(
    work: UnitOfWork, kind: str, bottles: list[str], batches: list[str], pallets: list[str]
) -> None:
    if bottles or batches or pallets:
        work.record(
            events.STREAM, kind, "", bottle_ids=bottles, batch_ids=batches, pallet_ids=pallets
        )

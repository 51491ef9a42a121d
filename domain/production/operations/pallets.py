"""Batches onto pallets, and the way back: disaggregation."""

from collections.abc import Sequence
from typing import Any

from domain.kernel.clock import from_us
from domain.kernel.errors import Conflict, NotFound
from domain.kernel.ids import is_id, new_id
from domain.kernel.lookups import required
from domain.kernel.transitions import require_edge
from domain.kernel.uow import UnitOfWork
from domain.production import events
from domain.production.codes import sscc
from domain.production.commands import AddBatches, CreatePallet
from domain.production.models import AggregateStatus, ItemKind, SentStatus
from domain.production.operations.history import count_made, put_in, remember, take_out
from domain.production.operations.packing import leave_batch, lock_batch, record_batch
from domain.production.repository import aggregates
from domain.production.repository.aggregates import BATCH, PALLET
from domain.production.repository.rollups import Made
from domain.production.rows import BatchRow, PalletRow
from domain.production.rules import AGGREGATE_EDGES

EXTENSION_DIGIT = 1


async def create_pallet(
    work: UnitOfWork,
    command: CreatePallet,
    company_prefix: str,
    origin: str,
    *,
    accumulates: bool = False,
) -> PalletRow:
    """Allocates the next SSCC under the company's GS1 prefix."""
    year = from_us(work.now_us).year
    number = await aggregates.next_number(work.session, work.customer_id, f"pallet-{year}")
    serial = await aggregates.next_number(work.session, work.customer_id, "sscc")
    pallet = PalletRow(
        id=new_id(),
        identifier=f"P-{year}-{number:06d}",
        sscc=sscc(EXTENSION_DIGIT, company_prefix, serial),
        name=command.name or f"Pallet {number}",
        status=AggregateStatus.IN_PROGRESS,
        sent_status=SentStatus.NOT_SENT,
        batch_count=0,
        line_id=command.line_id,
        device_id=command.device_id,
        created_at_us=work.now_us,
        completed_at_us=None,
    )
    await aggregates.insert_row(work.session, PALLET, work.customer_id, origin, pallet, accumulates)
    await remember(work, ItemKind.PALLET, [pallet.id], "CREATED", status=pallet.status.name)
    await count_made(work, Made(pallets=1), [pallet.line_id])
    _record(work, events.PALLET_CREATED, pallet)
    if command.batch_ids:
        await add_batches(work, AddBatches.of(pallet_id=pallet.id, batch_ids=command.batch_ids))
        pallet = await require_pallet(work, pallet.id)
    return pallet


async def add_batches(work: UnitOfWork, command: AddBatches) -> int:
    """All or nothing: complete batches that stand on no pallet. Answers how many went on."""
    pallet = await _lock_pallet(work, command.pallet_id)
    if pallet.status is not AggregateStatus.IN_PROGRESS:
        raise Conflict("The pallet takes no more batches", status=str(pallet.status))
    entering = await _entering(work, pallet, command.batch_ids)
    if not entering:
        return 0
    loaded = await aggregates.load_pallet(work.session, work.customer_id, entering, pallet.id)
    if loaded != len(entering):
        raise Conflict("Only complete batches that stand on no pallet can be put on one")
    await _change(work, pallet, batch_count=PALLET.c.batch_count + loaded)
    await put_in(work, ItemKind.BATCH, entering, ItemKind.PALLET, pallet.id)
    await remember(work, ItemKind.BATCH, entering, "PACKED", other_id=pallet.id)
    pallet = pallet._replace(batch_count=pallet.batch_count + loaded)
    _record(work, events.PALLET_FILLED, pallet, entering)
    return loaded


async def complete_pallet(work: UnitOfWork, pallet_id: str) -> PalletRow:
    pallet = await _lock_pallet(work, pallet_id)
    if not require_edge(AGGREGATE_EDGES, pallet.status, AggregateStatus.COMPLETE, "pallet"):
        return pallet
    if pallet.batch_count == 0:
        raise Conflict("A pallet without batches cannot be completed")
    done = pallet._replace(status=AggregateStatus.COMPLETE, completed_at_us=work.now_us)
    await _change(work, pallet, status=done.status, completed_at_us=done.completed_at_us)
    await remember(work, ItemKind.PALLET, [pallet.id], "COMPLETED", status=done.status.name)
    _record(work, events.PALLET_COMPLETED, done)
    return done


async def disaggregate(work: UnitOfWork, aggregate_id: str) -> BatchRow | PalletRow:
    """Whichever has that id; raises NotFound where neither has."""
    if is_id(aggregate_id):
        found = await aggregates.pallets_by_ids(work.session, work.customer_id, [aggregate_id])
        if aggregate_id in found:
            return await disaggregate_pallet(work, aggregate_id)
    return await disaggregate_batch(work, aggregate_id)


async def disaggregate_pallet(work: UnitOfWork, pallet_id: str) -> PalletRow:
    """Its batches stand free again, whole; the pallet's SSCC is not used again."""
    pallet = await _lock_pallet(work, pallet_id)
    if not require_edge(AGGREGATE_EDGES, pallet.status, AggregateStatus.DISAGGREGATED, "pallet"):
        return pallet
    batch_ids = await aggregates.unload_pallet(work.session, work.customer_id, pallet.id)
    await take_out(work, batch_ids, pallet.id)
    await remember(work, ItemKind.BATCH, batch_ids, "UNPACKED", other_id=pallet.id)
    gone = pallet._replace(status=AggregateStatus.DISAGGREGATED, batch_count=0)
    await _change(work, pallet, status=gone.status, batch_count=0)
    await remember(work, ItemKind.PALLET, [pallet.id], "DISAGGREGATED", status=gone.status.name)
    _record(work, events.PALLET_DISAGGREGATED, gone, batch_ids)
    return gone


async def disaggregate_batch(work: UnitOfWork, batch_id: str) -> BatchRow:
    """Its bottles stand free again; a batch on a pallet must be taken down with it first."""
    batch = await lock_batch(work, batch_id)
    if not require_edge(AGGREGATE_EDGES, batch.status, AggregateStatus.DISAGGREGATED, "batch"):
        return batch
    if batch.pallet_id is not None:
        raise Conflict("The batch stands on a pallet: disaggregate the pallet first")
    await leave_batch(work, batch.id, None)
    gone = batch._replace(status=AggregateStatus.DISAGGREGATED, bottle_count=0)
    changed = await aggregates.change_row(
        work.session, BATCH, work.customer_id, batch.id, batch.status, status=gone.status
    )
    if not changed:
        raise Conflict("The batch was changed meanwhile")
    await remember(work, ItemKind.BATCH, [batch.id], "DISAGGREGATED", status=gone.status.name)
    record_batch(work, events.BATCH_DISAGGREGATED, gone)
    return gone


async def require_pallet(work: UnitOfWork, pallet_id: str) -> PalletRow:
    return await required(work, aggregates.pallets_by_ids, "Pallet", pallet_id)


async def _lock_pallet(work: UnitOfWork, pallet_id: str) -> PalletRow:
    """The same, and nobody else changes it before this unit of work ends."""
    found = None
    if is_id(pallet_id):
        found = await aggregates.locked_row(work.session, PALLET, work.customer_id, pallet_id)
    if not isinstance(found, PalletRow):
        raise NotFound("Pallet", pallet_id)
    return found


async def _entering(work: UnitOfWork, pallet: PalletRow, batch_ids: Sequence[str]) -> list[str]:
    """The ids that are not on this pallet yet, each once. Raises NotFound."""
    ids = list(dict.fromkeys(batch_ids))
    known = [batch_id for batch_id in ids if is_id(batch_id)]
    found = await aggregates.batches_by_ids(work.session, work.customer_id, known)
    for batch_id in ids:
        if batch_id not in found:
            raise NotFound("Batch", batch_id)
    return [batch_id for batch_id in ids if found[batch_id].pallet_id != pallet.id]


def _record(work: UnitOfWork, kind: str, pallet: PalletRow, batch_ids: Sequence[str] = ()) -> None:
    work.record(events.STREAM, kind, pallet.id, pallet=pallet._asdict(), batch_ids=list(batch_ids))


async def _change(work: UnitOfWork, pallet: PalletRow, **values: Any) -> None:
    changed = await aggregates.change_row(
        work.session, PALLET, work.customer_id, pallet.id, pallet.status, **values
    )
    if not changed:
        raise Conflict("The pallet was changed meanwhile")

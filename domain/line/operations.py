"""Accumulation: what a line accepts fills its open batch, full batches fill its open pallet."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.kernel import eventlog
from domain.kernel.eventlog import LogRow
from domain.kernel.paging import PageRequest
from domain.kernel.uow import UnitOfWork
from domain.production.commands import (
    AddBatches,
    BatchFilter,
    CreateBatch,
    CreatePallet,
    MoveBottles,
    PalletFilter,
)
from domain.production.events import SCAN_RECORDED
from domain.production.models import AggregateStatus
from domain.production.operations import packing, pallets
from domain.production.repository import aggregates
from domain.production.rows import BatchRow

READER = "accumulation"


@dataclass(frozen=True, slots=True)
class Accumulation:
    """How many bottles make a batch, and how many batches a pallet."""

    batch_size: int
    pallet_size: int
    company_prefix: str
    origin: str


async def accumulate(work: UnitOfWork, plan: Accumulation, rows: Sequence[LogRow]) -> None:
    """Packs the bottles that these facts made and moves the reader past them, in one transaction:
    a crash neither loses a bottle nor packs one twice."""
    made: dict[str, list[str]] = {}
    for row in rows:
        if row.kind == SCAN_RECORDED and row.customer_id == work.customer_id and _is_new(row):
            made.setdefault(row.key, []).append(row.data["bottle"]["id"])
    for line_id, bottle_ids in made.items():
        await _pack(work, plan, line_id, bottle_ids)
    await eventlog.move_reader(work.session, READER, rows[-1].seq)


def _is_new(row: LogRow) -> bool:
    scan = row.data["scan"]
    return scan["valid"] and not scan["duplicate"] and row.data["bottle"] is not None


async def _pack(
    work: UnitOfWork, plan: Accumulation, line_id: str, bottle_ids: Sequence[str]
) -> None:
    waiting = await packing.loose(work, bottle_ids)
    while waiting:
        batch = await _open_batch(work, plan, line_id)
        room = (batch.batch_size or plan.batch_size) - batch.bottle_count
        chunk, waiting = waiting[:room], waiting[room:]
        await packing.add_bottles(work, MoveBottles.of(batch_id=batch.id, bottle_ids=chunk))
        if len(chunk) == room:
            await _palletise(work, plan, line_id, batch.id)


async def _open_batch(work: UnitOfWork, plan: Accumulation, line_id: str) -> BatchRow:
    wanted = BatchFilter(status=AggregateStatus.IN_PROGRESS, line_id=line_id)
    page = await aggregates.batch_page(
        work.session, work.customer_id, wanted, PageRequest(1, from_end=True)
    )
    for batch in page.rows:
        if batch.batch_size is not None and batch.bottle_count < batch.batch_size:
            return batch
    command = CreateBatch.of(batch_size=plan.batch_size, line_id=line_id or None)
    return await packing.create_batch(work, command, plan.origin)


async def _palletise(work: UnitOfWork, plan: Accumulation, line_id: str, batch_id: str) -> None:
    wanted = PalletFilter(status=AggregateStatus.IN_PROGRESS, line_id=line_id)
    page = await aggregates.pallet_page(
        work.session, work.customer_id, wanted, PageRequest(1, from_end=True)
    )
    if page.rows:
        pallet = page.rows[0]
    else:
        command = CreatePallet.of(line_id=line_id or None)
        pallet = await pallets.create_pallet(work, command, plan.company_prefix, plan.origin)
    await pallets.add_batches(work, AddBatches.of(pallet_id=pallet.id, batch_ids=(batch_id,)))
    if pallet.batch_count + 1 >= plan.pallet_size:
        await pallets.complete_pallet(work, pallet.id)

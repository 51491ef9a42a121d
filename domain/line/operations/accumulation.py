"""Accumulation: what a line accepts fills its open batch, full batches fill its open pallet."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.kernel import eventlog
from domain.kernel.eventlog import LogRow
from domain.kernel.uow import UnitOfWork
from domain.production.commands import AddBatches, CreateBatch, CreatePallet, MoveBottles
from domain.production.events import SCAN_RECORDED
from domain.production.models import ScanSource
from domain.production.operations import packing, pallets
from domain.production.repository import aggregates
from domain.production.rows import BatchRow

READER = "accumulation"


@dataclass(frozen=True, slots=True)
class Accumulation:
    """How many bottles make a batch, and how many batches a pallet. On the lines in `packed` and
    in `palletised` that is done by scanners that read labels."""

    batch_size: int
    pallet_size: int
    company_prefix: str
    origin: str
    packed: frozenset[str] = frozenset()
    palletised: frozenset[str] = frozenset()


async def accumulate(work: UnitOfWork, plan: Accumulation, rows: Sequence[LogRow]) -> None:
    """Packs the bottles that these facts made and moves the reader past them, in one transaction:
    a crash neither loses a bottle nor packs one twice."""
    made: dict[str, list[str]] = {}
    for row in rows:
        if row.kind == SCAN_RECORDED and row.customer_id == work.customer_id and _is_new(row):
            made.setdefault(row.key, []).append(row.data["bottle"]["id"])
    for line_id, bottle_ids in made.items():
        if line_id not in plan.packed:
            await _pack(work, plan, line_id, bottle_ids)
    await eventlog.move_reader(work.session, READER, rows[-1].seq)


def _is_new(row: LogRow) -> bool:
    """Of the line's own scanners: what a person or a program scans is theirs to pack."""
    scan = row.data["scan"]
    if scan["source"] != ScanSource.SCANNER:
        return False
    return scan["valid"] and not scan["duplicate"] and row.data["bottle"] is not None


async def _pack(
    work: UnitOfWork, plan: Accumulation, line_id: str, bottle_ids: Sequence[str]
) -> None:
    """`line_id` is empty for what was read on no line in particular."""
    waiting = await packing.loose(work, bottle_ids)
    while waiting:
        batch = await _open_batch(work, plan, line_id or None)
        room = (batch.batch_size or plan.batch_size) - batch.bottle_count
        chunk, waiting = waiting[:room], waiting[room:]
        await packing.add_bottles(work, MoveBottles.of(batch_id=batch.id, bottle_ids=chunk))
        if len(chunk) == room and line_id not in plan.palletised:
            await _palletise(work, plan, line_id or None, batch.id)


async def _open_batch(work: UnitOfWork, plan: Accumulation, line_id: str | None) -> BatchRow:
    found = await aggregates.open_batch(work.session, work.customer_id, line_id)
    if found is not None:
        return found
    command = CreateBatch.of(batch_size=plan.batch_size, line_id=line_id)
    return await packing.create_batch(work, command, plan.origin, accumulates=True)


async def _palletise(
    work: UnitOfWork, plan: Accumulation, line_id: str | None, batch_id: str
) -> None:
    pallet = await aggregates.open_pallet(work.session, work.customer_id, line_id)
    if pallet is None:
        command = CreatePallet.of(line_id=line_id)
        pallet = await pallets.create_pallet(
            work, command, plan.company_prefix, plan.origin, accumulates=True
        )
    await pallets.add_batches(work, AddBatches.of(pallet_id=pallet.id, batch_ids=(batch_id,)))
    loaded = await pallets.require_pallet(work, pallet.id)
    if loaded.batch_count >= plan.pallet_size:
        await pallets.complete_pallet(work, pallet.id)

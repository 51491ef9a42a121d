"""Bottles into batches and out of them."""

from collections.abc import Sequence
from typing import Any

from domain.kernel.clock import from_us
from domain.kernel.errors import Conflict, NotFound
from domain.kernel.ids import is_id, new_id
from domain.kernel.lookups import required
from domain.kernel.transitions import require_edge
from domain.kernel.uow import UnitOfWork
from domain.production import events
from domain.production.commands import CreateBatch, MoveBottles
from domain.production.models import AggregateStatus, BottleStatus, ItemKind, SentStatus
from domain.production.operations.history import count_made, put_in, remember, take_out
from domain.production.repository import aggregates, bottles
from domain.production.repository.aggregates import BATCH
from domain.production.repository.rollups import Made
from domain.production.rows import BatchRow, BottleRow
from domain.production.rules import (
    AGGREGATE_EDGES,
    PACKABLE,
    is_full,
    require_room,
)


async def create_batch(
    work: UnitOfWork, command: CreateBatch, origin: str, *, accumulates: bool = False
) -> BatchRow:
    """Numbered `B-{year}-{number}` where it has no identifier yet; bottles named in the command
    are put in at once. One that `accumulates` is filled by its line."""
    year = from_us(work.now_us).year
    number = await aggregates.next_number(work.session, work.customer_id, f"batch-{year}")
    batch = BatchRow(
        id=new_id(),
        identifier=command.identifier or f"B-{year}-{number:06d}",
        name=command.name or f"Batch {number}",
        status=AggregateStatus.IN_PROGRESS,
        sent_status=SentStatus.NOT_SENT,
        batch_size=command.batch_size,
        bottle_count=0,
        line_id=command.line_id,
        product_id=command.product_id,
        party=command.party,
        device_id=command.device_id,
        pallet_id=None,
        created_at_us=work.now_us,
        completed_at_us=None,
    )
    await aggregates.insert_row(work.session, BATCH, work.customer_id, origin, batch, accumulates)
    await remember(work, ItemKind.BATCH, [batch.id], "CREATED", status=batch.status.name)
    await count_made(work, Made(batches=1), [batch.line_id])
    record_batch(work, events.BATCH_CREATED, batch)
    if command.bottle_ids:
        await add_bottles(work, MoveBottles.of(batch_id=batch.id, bottle_ids=command.bottle_ids))
        batch = await require_batch(work, batch.id)
    return batch


async def add_bottles(work: UnitOfWork, command: MoveBottles) -> int:
    """All or nothing; bottles that are in this batch already are left alone. Answers how many
    went in. A batch that is full by this is complete."""
    batch = await lock_batch(work, command.batch_id)
    if batch.status is not AggregateStatus.IN_PROGRESS:
        raise Conflict("The batch takes no more bottles", status=str(batch.status))
    entering = await _entering(work, batch, command.bottle_ids)
    if not entering:
        return 0
    require_room(batch.bottle_count, len(entering), batch.batch_size)
    packed = await bottles.pack(
        work.session, work.customer_id, entering, batch.id, tuple(PACKABLE), work.now_us
    )
    if packed != len(entering):
        raise Conflict("A bottle was packed or withdrawn meanwhile")
    await _change(work, batch, bottle_count=BATCH.c.bottle_count + packed)
    await put_in(work, ItemKind.BOTTLE, entering, ItemKind.BATCH, batch.id)
    await remember(
        work,
        ItemKind.BOTTLE,
        entering,
        "PACKED",
        status=BottleStatus.IN_BATCH.name,
        other_id=batch.id,
    )
    batch = batch._replace(bottle_count=batch.bottle_count + packed)
    record_batch(work, events.BATCH_FILLED, batch, bottle_ids=entering)
    if is_full(batch.bottle_count, batch.batch_size):
        await _complete(work, batch)
    return packed


async def loose(work: UnitOfWork, bottle_ids: Sequence[str]) -> tuple[str, ...]:
    """Those of them that may be packed: in no batch, neither rejected nor deleted."""
    found = await bottles.by_ids(work.session, work.customer_id, bottle_ids)
    return tuple(key for key in bottle_ids if key in found and _may_enter(found[key]))


async def remove_bottles(work: UnitOfWork, command: MoveBottles) -> int:
    """Takes bottles out of a batch that is not disaggregated; all must be in it."""
    batch = await lock_batch(work, command.batch_id)
    wanted = [bottle_id for bottle_id in dict.fromkeys(command.bottle_ids) if is_id(bottle_id)]
    found = await bottles.by_ids(work.session, work.customer_id, wanted)
    inside = [row.id for row in found.values() if row.batch_id == batch.id]
    missing = sorted(set(command.bottle_ids) - set(inside))
    if missing:
        raise Conflict("These bottles are not in the batch", bottle_ids=missing[:20])
    return await leave_batch(work, batch.id, inside)


async def leave_batch(work: UnitOfWork, batch_id: str, bottle_ids: Sequence[str] | None) -> int:
    """Takes some bottles, or all, out of a batch, with their history."""
    batch = await lock_batch(work, batch_id)
    left = await bottles.unpack(work.session, work.customer_id, batch.id, bottle_ids, work.now_us)
    if not left:
        return 0
    await _change(work, batch, bottle_count=BATCH.c.bottle_count - len(left))
    await take_out(work, list(left), batch.id)
    for status in sorted(set(left.values())):
        same = [bottle_id for bottle_id, became in left.items() if became is status]
        await remember(
            work, ItemKind.BOTTLE, same, "UNPACKED", status=status.name, other_id=batch.id
        )
    batch = batch._replace(bottle_count=batch.bottle_count - len(left))
    record_batch(work, events.BATCH_EMPTIED, batch, bottle_ids=list(left))
    return len(left)


async def complete_batch(work: UnitOfWork, batch_id: str) -> BatchRow:
    batch = await lock_batch(work, batch_id)
    if not require_edge(AGGREGATE_EDGES, batch.status, AggregateStatus.COMPLETE, "batch"):
        return batch
    if batch.bottle_count == 0:
        raise Conflict("A batch without bottles cannot be completed")
    return await _complete(work, batch)


async def require_batch(work: UnitOfWork, batch_id: str) -> BatchRow:
    return await required(work, aggregates.batches_by_ids, "Batch", batch_id)


async def lock_batch(work: UnitOfWork, batch_id: str) -> BatchRow:
    """The same, and nobody else changes it or what is in it before this unit of work ends."""
    found = None
    if is_id(batch_id):
        found = await aggregates.locked_row(work.session, BATCH, work.customer_id, batch_id)
    if not isinstance(found, BatchRow):
        raise NotFound("Batch", batch_id)
    return found


def record_batch(
    work: UnitOfWork, kind: str, batch: BatchRow, bottle_ids: Sequence[str] = ()
) -> None:
    work.record(events.STREAM, kind, batch.id, batch=batch._asdict(), bottle_ids=list(bottle_ids))


async def _entering(work: UnitOfWork, batch: BatchRow, bottle_ids: Sequence[str]) -> list[str]:
    """The ids that are not in this batch yet, each once. Raises NotFound or Conflict for those
    that cannot enter."""
    ids = list(dict.fromkeys(bottle_ids))
    known = [bottle_id for bottle_id in ids if is_id(bottle_id)]
    found = await bottles.by_ids(work.session, work.customer_id, known)
    for bottle_id in ids:
        if bottle_id not in found:
            raise NotFound("Bottle", bottle_id)
    rows = [found[bottle_id] for bottle_id in ids if found[bottle_id].batch_id != batch.id]
    barred = [row for row in rows if not _may_enter(row)]
    if barred:
        raise Conflict(
            "These bottles cannot be packed",
            bottle_ids=[row.id for row in barred[:20]],
            statuses=[BottleStatus(row.status).name for row in barred[:20]],
        )
    return [row.id for row in rows]


def _may_enter(bottle: BottleRow) -> bool:
    return bottle.batch_id is None and bottle.status in PACKABLE


async def _complete(work: UnitOfWork, batch: BatchRow) -> BatchRow:
    done = batch._replace(status=AggregateStatus.COMPLETE, completed_at_us=work.now_us)
    await _change(work, batch, status=done.status, completed_at_us=done.completed_at_us)
    await remember(work, ItemKind.BATCH, [batch.id], "COMPLETED", status=done.status.name)
    await count_made(work, Made(batches_completed=1), [batch.line_id])
    record_batch(work, events.BATCH_COMPLETED, done)
    return done


async def _change(work: UnitOfWork, batch: BatchRow, **values: Any) -> None:
    """Refused if the batch's status is no longer what it was when it was read."""
    changed = await aggregates.change_row(
        work.session, BATCH, work.customer_id, batch.id, batch.status, **values
    )
    if not changed:
        raise Conflict("The batch was changed meanwhile")

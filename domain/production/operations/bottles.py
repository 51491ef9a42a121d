"""Creating bottles in bulk and changing their status."""

from collections.abc import Callable

from domain.kernel.errors import Conflict, ValidationFailed
from domain.kernel.ids import new_id
from domain.kernel.lookups import required
from domain.kernel.transitions import require_edge
from domain.kernel.uow import UnitOfWork
from domain.production import events
from domain.production.codes import Reading
from domain.production.commands import CreateBottles, NewBottle, SetBottleStatus
from domain.production.models import BottleStatus, ItemKind
from domain.production.operations.history import count_made, remember
from domain.production.operations.packing import leave_batch
from domain.production.repository import bottles
from domain.production.repository.rollups import Made
from domain.production.rows import BottleRow
from domain.production.rules import BOTTLE_EDGES

FACT_CHUNK = 500  # bottles in one fact, so that no row of the log grows without bound


async def create_bottles(
    work: UnitOfWork, command: CreateBottles, read: Callable[[str], Reading]
) -> list[BottleRow]:
    """All or nothing. Raises ValidationFailed for a code that is none, Conflict for one that is
    there already or twice in the command."""
    rows = [
        _row(work, place, bottle, command.device_id, read)
        for place, bottle in enumerate(command.bottles)
    ]
    taken = await bottles.insert_new(work.session, work.customer_id, rows)
    if taken:
        known = set(taken)
        repeated = [row.identifier for row in rows if (row.gtin, row.serial) in known]
        raise Conflict("These bottles exist already", identifiers=repeated[:20], count=len(taken))
    ids = [row.id for row in rows]
    await remember(work, ItemKind.BOTTLE, ids, "CREATED", status=BottleStatus.CREATED.name)
    await count_made(work, Made(bottles=1), (row.line_id for row in rows))
    for start in range(0, len(rows), FACT_CHUNK):
        created = [row._asdict() for row in rows[start : start + FACT_CHUNK]]
        work.record(events.STREAM, events.BOTTLES_CREATED, "", bottles=created)
    return rows


async def set_bottle_status(work: UnitOfWork, command: SetBottleStatus) -> BottleRow:
    """Follows the declared edges; leaving IN_BATCH also leaves the batch."""
    bottle = await require_bottle(work, command.bottle_id)
    current = BottleStatus(bottle.status)
    if not require_edge(BOTTLE_EDGES, current, command.status, "bottle"):
        return bottle
    leaving = command.status in _OUT_OF_BATCH
    if bottle.batch_id is not None and leaving:
        await leave_batch(work, bottle.batch_id, [bottle.id])
        # Leaving put an IN_BATCH bottle back to CREATED.
        current = BottleStatus.CREATED if current is BottleStatus.IN_BATCH else current
    changed = current == command.status or await bottles.set_status(
        work.session,
        work.customer_id,
        bottle.id,
        current,
        command.status,
        work.now_us,
        loose=leaving,
    )
    if not changed:
        raise Conflict("The bottle was changed meanwhile")
    await _remember_status(work, bottle, command.status)
    return await require_bottle(work, bottle.id)


_OUT_OF_BATCH = (BottleStatus.CREATED, BottleStatus.REJECTED, BottleStatus.DELETED)


async def require_bottle(work: UnitOfWork, bottle_id: str) -> BottleRow:
    return await required(work, bottles.by_ids, "Bottle", bottle_id)


async def _remember_status(work: UnitOfWork, bottle: BottleRow, status: BottleStatus) -> None:
    await remember(work, ItemKind.BOTTLE, [bottle.id], "STATUS_CHANGED", status=status.name)
    work.record_change(
        events.STREAM,
        events.BOTTLE_STATUS_CHANGED,
        bottle.id,
        {"status": int(bottle.status), "batch_id": bottle.batch_id},
        identifier=bottle.identifier,
        previous=int(bottle.status),
        status=int(status),
    )


def _row(
    work: UnitOfWork,
    place: int,
    bottle: NewBottle,
    device_id: str | None,
    read: Callable[[str], Reading],
) -> BottleRow:
    reading = read(bottle.identifier)
    if reading.reason is not None or reading.gtin is None or reading.serial is None:
        reason = reading.message or "does not name a bottle"
        code = None if reading.reason is None else str(reading.reason)
        raise ValidationFailed(f"bottles.{place}.identifier", reason, code=code)
    return BottleRow(
        id=new_id(),
        identifier=bottle.identifier,
        gtin=reading.gtin,
        serial=reading.serial,
        status=BottleStatus.CREATED,
        created_at_us=work.now_us,
        updated_at_us=work.now_us,
        line_id=bottle.line_id,
        product_id=bottle.product_id,
        party=bottle.party,
        device_id=device_id,
        batch_id=None,
        is_preprint=bottle.is_preprint,
    )

"""What became of an item."""

from domain.kernel.ids import is_id
from domain.kernel.permissions import Permission
from domain.kernel.text import is_storable
from domain.production.models import ItemKind
from domain.production.operations.genealogy import Genealogy, Item, genealogy, moment
from domain.production.repository import aggregates, bottles
from domain.production.rows import TraceRow
from graph.context import Context
from graph.production.access import bottle_by_code


async def trace_event(context: Context, key: str) -> TraceRow | None:
    """One moment in the life of an item."""
    context.actor.require(Permission.PRODUCTION_SCAN_READ)
    if not is_id(key):
        return None
    async with context.read() as session:
        return await moment(session, context.customer_id, key)


async def trace_item(context: Context, key: str, as_of_us: int | None) -> Genealogy | None:
    """Of a bottle, batch or pallet, by id or by anything printed on it."""
    context.actor.require(Permission.PRODUCTION_SCAN_READ)
    found = await _item(context, key) if is_storable(key) else None
    if found is None:
        return None
    async with context.read() as session:
        return await genealogy(session, context.customer_id, *found, as_of_us)


async def _item(context: Context, key: str) -> tuple[ItemKind, Item] | None:
    customer_id = context.customer_id
    if not is_id(key) and (coded := await bottle_by_code(context, key)):
        return ItemKind.BOTTLE, coded
    sscc = context.services.scans.codes.read(key).sscc or key
    async with context.read() as session:
        if not is_id(key):
            if pallet := await aggregates.pallet_by_identifier(session, customer_id, sscc):
                return ItemKind.PALLET, pallet
            batch = await aggregates.batch_by_identifier(session, customer_id, key)
            return (ItemKind.BATCH, batch) if batch else None
        for kind, load in (
            (ItemKind.BOTTLE, bottles.by_ids),
            (ItemKind.BATCH, aggregates.batches_by_ids),
            (ItemKind.PALLET, aggregates.pallets_by_ids),
        ):
            item = (await load(session, customer_id, [key])).get(key)
            if item is not None:
                return kind, item
    return None

"""Batches and pallets."""

from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from domain.kernel.text import is_storable
from domain.production.commands import (
    AddBatches,
    BatchFilter,
    CreateBatch,
    CreatePallet,
    MoveBottles,
    PalletFilter,
)
from domain.production.operations import packing, pallets
from domain.production.repository import aggregates, bottles
from domain.production.rows import BatchRow, BottleRow, PalletRow
from graph.context import Context


async def list_batches(
    context: Context, wanted: BatchFilter, window: PageRequest
) -> Page[BatchRow]:
    context.actor.require(Permission.PRODUCTION_BATCH_READ)
    async with context.read() as session:
        return await aggregates.batch_page(session, context.customer_id, wanted, window)


async def count_batches(context: Context, wanted: BatchFilter) -> int:
    context.actor.require(Permission.PRODUCTION_BATCH_READ)
    async with context.read() as session:
        return await aggregates.count_batches(session, context.customer_id, wanted)


async def batch(context: Context, key: str) -> BatchRow | None:
    """By id or printed identifier."""
    context.actor.require(Permission.PRODUCTION_BATCH_READ)
    if not is_storable(key):
        return None
    async with context.read() as session:
        if is_id(key):
            return (await aggregates.batches_by_ids(session, context.customer_id, [key])).get(key)
        return await aggregates.batch_by_identifier(session, context.customer_id, key)


async def bottles_of_batch(context: Context, batch_id: str, limit: int) -> list[BottleRow]:
    """Oldest first."""
    context.actor.require(Permission.PRODUCTION_BOTTLE_READ)
    async with context.read() as session:
        found = await bottles.of_batches(session, context.customer_id, [batch_id], limit)
        return found[batch_id]


async def create_batch(context: Context, command: CreateBatch) -> BatchRow:
    context.actor.require(Permission.PRODUCTION_BATCH_WRITE)
    async with context.transaction() as work:
        return await packing.create_batch(work, command, context.services.policy.origin)


async def add_bottles_to_batch(context: Context, command: MoveBottles) -> int:
    context.actor.require(Permission.PRODUCTION_BATCH_WRITE)
    async with context.transaction() as work:
        return await packing.add_bottles(work, command)


async def remove_bottles_from_batch(context: Context, command: MoveBottles) -> int:
    context.actor.require(Permission.PRODUCTION_BATCH_WRITE)
    async with context.transaction() as work:
        return await packing.remove_bottles(work, command)


async def complete_batch(context: Context, batch_id: str) -> BatchRow:
    context.actor.require(Permission.PRODUCTION_BATCH_WRITE)
    async with context.transaction() as work:
        return await packing.complete_batch(work, batch_id)


async def list_pallets(
    context: Context, wanted: PalletFilter, window: PageRequest
) -> Page[PalletRow]:
    context.actor.require(Permission.PRODUCTION_PALLET_READ)
    async with context.read() as session:
        return await aggregates.pallet_page(session, context.customer_id, wanted, window)


async def count_pallets(context: Context, wanted: PalletFilter) -> int:
    context.actor.require(Permission.PRODUCTION_PALLET_READ)
    async with context.read() as session:
        return await aggregates.count_pallets(session, context.customer_id, wanted)


async def pallet(context: Context, key: str) -> PalletRow | None:
    """By id, printed identifier or SSCC."""
    context.actor.require(Permission.PRODUCTION_PALLET_READ)
    if not is_storable(key):
        return None
    async with context.read() as session:
        if is_id(key):
            return (await aggregates.pallets_by_ids(session, context.customer_id, [key])).get(key)
        sscc = context.services.scans.codes.read(key).sscc or key
        return await aggregates.pallet_by_identifier(session, context.customer_id, sscc)


async def create_pallet(context: Context, command: CreatePallet) -> PalletRow:
    context.actor.require(Permission.PRODUCTION_PALLET_WRITE)
    policy = context.services.policy
    async with context.transaction() as work:
        return await pallets.create_pallet(work, command, policy.gs1_company_prefix, policy.origin)


async def add_batches_to_pallet(context: Context, command: AddBatches) -> int:
    context.actor.require(Permission.PRODUCTION_PALLET_WRITE)
    async with context.transaction() as work:
        return await pallets.add_batches(work, command)


async def complete_pallet(context: Context, pallet_id: str) -> PalletRow:
    context.actor.require(Permission.PRODUCTION_PALLET_WRITE)
    async with context.transaction() as work:
        return await pallets.complete_pallet(work, pallet_id)


async def disaggregate(context: Context, aggregate_id: str) -> BatchRow | PalletRow:
    """Takes a pallet or a batch apart, whichever has that id."""
    context.actor.require(Permission.PRODUCTION_PALLET_WRITE)
    context.actor.require(Permission.PRODUCTION_BATCH_WRITE)
    async with context.transaction() as work:
        return await pallets.disaggregate(work, aggregate_id)

"""Bottles."""

from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from domain.production.commands import BottleFilter, CreateBottles, SetBottleStatus
from domain.production.operations import bottles as bottle_operations
from domain.production.repository import bottles
from domain.production.rows import BottleRow
from graph.context import Context
from graph.production.access import bottle_by_code


async def list_bottles(
    context: Context, wanted: BottleFilter, window: PageRequest
) -> Page[BottleRow]:
    context.actor.require(Permission.PRODUCTION_BOTTLE_READ)
    async with context.read() as session:
        return await bottles.page(session, context.customer_id, wanted, window)


async def count_bottles(context: Context, wanted: BottleFilter) -> int:
    context.actor.require(Permission.PRODUCTION_BOTTLE_READ)
    async with context.read() as session:
        return await bottles.count(session, context.customer_id, wanted)


async def count_bottles_by_status(context: Context, wanted: BottleFilter) -> dict[int, int]:
    """No zero buckets; they sum to the total."""
    context.actor.require(Permission.PRODUCTION_BOTTLE_READ)
    async with context.read() as session:
        return await bottles.count_by_status(session, context.customer_id, wanted)


async def bottle(context: Context, key: str) -> BottleRow | None:
    """By id or by its code in any form a scanner sends."""
    context.actor.require(Permission.PRODUCTION_BOTTLE_READ)
    if is_id(key):
        async with context.read() as session:
            return (await bottles.by_ids(session, context.customer_id, [key])).get(key)
    return await bottle_by_code(context, key)


async def create_bottles(context: Context, command: CreateBottles) -> list[BottleRow]:
    context.actor.require(Permission.PRODUCTION_BOTTLE_WRITE)
    async with context.transaction() as work:
        read = context.services.scans.codes.read
        return await bottle_operations.create_bottles(work, command, read)


async def set_bottle_status(context: Context, command: SetBottleStatus) -> BottleRow:
    context.actor.require(Permission.PRODUCTION_BOTTLE_WRITE)
    async with context.transaction() as work:
        return await bottle_operations.set_bottle_status(work, command)

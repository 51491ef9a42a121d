"""Worn scanners."""

from domain.gateways.commands import ScannerFilter, UpdateScanner
from domain.gateways.operations import scanners as operations
from domain.gateways.repository import scanners
from domain.gateways.rows import ScannerRow
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from graph.context import Context


async def list_scanners(
    context: Context, wanted: ScannerFilter, window: PageRequest
) -> Page[ScannerRow]:
    context.actor.require(Permission.FLEET_DEVICE_READ)
    async with context.read() as session:
        return await scanners.page(session, context.customer_id, wanted, window)


async def count_scanners(context: Context, wanted: ScannerFilter) -> int:
    context.actor.require(Permission.FLEET_DEVICE_READ)
    async with context.read() as session:
        return await scanners.count(session, context.customer_id, wanted)


async def scanner(context: Context, key: str) -> ScannerRow | None:
    context.actor.require(Permission.FLEET_DEVICE_READ)
    async with context.read() as session:
        return await scanners.find(session, context.customer_id, key)


async def update_scanner(context: Context, command: UpdateScanner) -> ScannerRow:
    """Raises NotFound."""
    context.actor.require(Permission.FLEET_DEVICE_WRITE)
    async with context.transaction() as work:
        return await operations.update_scanner(work, command)

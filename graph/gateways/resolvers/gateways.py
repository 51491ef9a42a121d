"""Gateways."""

from collections.abc import Sequence

from domain.gateways.commands import MAX_AT_ONCE, CreateGateway, GatewayFilter, UpdateGateway
from domain.gateways.operations import gateways as operations
from domain.gateways.repository import gateways
from domain.gateways.rows import GatewayRow
from domain.kernel.errors import ValidationFailed
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from graph.context import Context


async def list_gateways(
    context: Context, wanted: GatewayFilter, window: PageRequest
) -> Page[GatewayRow]:
    context.actor.require(Permission.FLEET_DEVICE_READ)
    now_us = context.services.clock.now_us()
    async with context.read() as session:
        return await gateways.page(session, context.customer_id, wanted, window, now_us)


async def count_gateways(context: Context, wanted: GatewayFilter) -> int:
    context.actor.require(Permission.FLEET_DEVICE_READ)
    now_us = context.services.clock.now_us()
    async with context.read() as session:
        return await gateways.count(session, context.customer_id, wanted, now_us)


async def gateway(context: Context, key: str) -> GatewayRow | None:
    context.actor.require(Permission.FLEET_DEVICE_READ)
    async with context.read() as session:
        return await gateways.find(session, context.customer_id, key)


async def gateway_named(context: Context, name: str) -> GatewayRow | None:
    """By its displayed name."""
    context.actor.require(Permission.FLEET_DEVICE_READ)
    async with context.read() as session:
        return await gateways.named(session, context.customer_id, name)


async def create_gateway(context: Context, command: CreateGateway) -> GatewayRow:
    """Raises Conflict where the name or the serial is taken."""
    context.actor.require(Permission.FLEET_DEVICE_WRITE)
    async with context.transaction() as work:
        return await operations.create_gateway(work, command)


async def create_gateways(context: Context, commands: Sequence[CreateGateway]) -> list[GatewayRow]:
    """All or none, in the order given. At most 500 at once. Raises Conflict for a name or a serial
    that is taken, `at` its place."""
    context.actor.require(Permission.FLEET_DEVICE_WRITE)
    if len(commands) > MAX_AT_ONCE:
        raise ValidationFailed("input", f"more than {MAX_AT_ONCE} gateways")
    async with context.transaction() as work:
        return await operations.create_gateways(work, commands)


async def update_gateway(context: Context, command: UpdateGateway) -> GatewayRow:
    """Raises NotFound; Conflict where `version` is outdated, or a name or serial is taken."""
    context.actor.require(Permission.FLEET_DEVICE_WRITE)
    async with context.transaction() as work:
        return await operations.update_gateway(work, command)

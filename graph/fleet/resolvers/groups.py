"""Groups of devices."""

from collections.abc import Sequence

from domain.fleet import commands as asked
from domain.fleet.operations import groups as group_operations
from domain.fleet.repository import groups
from domain.fleet.rows import (
    DeviceRow,
    GroupRow,
)
from domain.kernel.errors import NotFound
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from graph.context import Context


async def list_groups(context: Context, window: PageRequest) -> Page[GroupRow]:
    context.actor.require(Permission.FLEET_GROUP_READ)
    async with context.read() as session:
        return await groups.page(session, context.customer_id, window)


async def count_groups(context: Context) -> int:
    context.actor.require(Permission.FLEET_GROUP_READ)
    async with context.read() as session:
        return await groups.count(session, context.customer_id)


async def group(context: Context, group_id: str) -> GroupRow | None:
    context.actor.require(Permission.FLEET_GROUP_READ)
    async with context.read() as session:
        return await groups.group(session, context.customer_id, group_id)


async def group_members(context: Context, group_id: str) -> list[DeviceRow]:
    """By number. Raises NotFound."""
    context.actor.require(Permission.FLEET_GROUP_READ)
    context.actor.require(Permission.FLEET_DEVICE_READ)
    async with context.read() as session:
        if await groups.group(session, context.customer_id, group_id) is None:
            raise NotFound("Device group", group_id)
        return (await groups.members(session, context.customer_id, [group_id]))[group_id]


async def group_sizes(context: Context, group_ids: Sequence[str]) -> dict[str, int]:
    """How many devices each of them has."""
    context.actor.require(Permission.FLEET_GROUP_READ)
    async with context.read() as session:
        return await groups.sizes(session, context.customer_id, group_ids)


async def create_group(context: Context, command: asked.CreateGroup) -> GroupRow:
    context.actor.require(Permission.FLEET_GROUP_WRITE)
    async with context.transaction() as work:
        return await group_operations.create_group(work, command)


async def update_group(context: Context, command: asked.UpdateGroup) -> GroupRow:
    context.actor.require(Permission.FLEET_GROUP_WRITE)
    async with context.transaction() as work:
        return await group_operations.update_group(work, command)


async def delete_group(context: Context, group_id: str) -> GroupRow:
    context.actor.require(Permission.FLEET_GROUP_WRITE)
    async with context.transaction() as work:
        return await group_operations.delete_group(work, group_id)


async def add_devices_to_group(
    context: Context, command: asked.ChangeMembers
) -> tuple[GroupRow, int]:
    """The group, and how many came in."""
    context.actor.require(Permission.FLEET_GROUP_WRITE)
    async with context.transaction() as work:
        return await group_operations.add_members(work, command)


async def remove_devices_from_group(
    context: Context, command: asked.ChangeMembers
) -> tuple[GroupRow, int]:
    """The group, and how many left."""
    context.actor.require(Permission.FLEET_GROUP_WRITE)
    async with context.transaction() as work:
        return await group_operations.remove_members(work, command)

"""Devices and how they are."""

from collections.abc import Sequence
from typing import Final

from domain.fleet import commands as asked
from domain.fleet.commands import DeviceFilter
from domain.fleet.models import DeviceKind
from domain.fleet.operations import configuration, presence
from domain.fleet.operations import devices as device_operations
from domain.fleet.repository import devices, sessions
from domain.fleet.rows import (
    DeviceRow,
    SessionRow,
    StatusChangeRow,
)
from domain.gateways.operations.gateways import follow_device, require_no_gateway
from domain.identity.ports import IssuedToken
from domain.kernel.errors import ValidationFailed
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from graph.context import Context
from graph.fleet.access import fleet, may_configure, own_or, present

MAX_REGISTERED: Final = 500


async def list_devices(
    context: Context, wanted: DeviceFilter, window: PageRequest
) -> Page[DeviceRow]:
    context.actor.require(Permission.FLEET_DEVICE_READ)
    async with context.read() as session:
        return await devices.page(session, context.customer_id, wanted, window)


async def devices_by_number(
    context: Context,
    wanted: DeviceFilter,
    *,
    sort: str = "number",
    descending: bool = False,
    offset: int = 0,
    limit: int = 100,
) -> list[DeviceRow]:
    """For faces that count pages; `sort` is a field of a DeviceRow."""
    context.actor.require(Permission.FLEET_DEVICE_READ)
    async with context.read() as session:
        return await devices.listed(
            session,
            context.customer_id,
            wanted,
            sort=sort,
            descending=descending,
            offset=offset,
            limit=limit,
        )


async def device_page(
    context: Context,
    wanted: DeviceFilter,
    *,
    sort: str,
    descending: bool,
    offset: int,
    limit: int,
) -> tuple[list[DeviceRow], int]:
    """As `devices_by_number`, with how many there are in all at that moment."""
    context.actor.require(Permission.FLEET_DEVICE_READ)
    async with context.read() as session:
        total = await devices.count(session, context.customer_id, wanted)
        rows = await devices.listed(
            session,
            context.customer_id,
            wanted,
            sort=sort,
            descending=descending,
            offset=offset,
            limit=limit,
        )
    return rows, total


async def count_devices(context: Context, wanted: DeviceFilter) -> int:
    context.actor.require(Permission.FLEET_DEVICE_READ)
    async with context.read() as session:
        return await devices.count(session, context.customer_id, wanted)


async def count_devices_by(context: Context, field: str) -> dict[str | None, int]:
    """By a field of a DeviceRow; no zero buckets."""
    context.actor.require(Permission.FLEET_DEVICE_READ)
    async with context.read() as session:
        return await devices.count_by(session, context.customer_id, field)


async def device(context: Context, key: str) -> DeviceRow | None:
    context.actor.require_known()
    own_or(context, key, Permission.FLEET_DEVICE_READ)
    async with context.read() as session:
        return await devices.find(session, context.customer_id, key)


async def device_by_number(context: Context, number: int) -> DeviceRow | None:
    context.actor.require(Permission.FLEET_DEVICE_READ)
    async with context.read() as session:
        return await devices.by_number(session, context.customer_id, number)


async def devices_by_ids(context: Context, ids: Sequence[str]) -> dict[str, DeviceRow]:
    """Removed ones too: what they did is still told of."""
    context.actor.require(Permission.FLEET_DEVICE_READ)
    wanted = sorted({key for key in ids if is_id(key)})
    async with context.read() as session:
        return await devices.by_ids(session, context.customer_id, wanted)


async def device_ids_named(context: Context, identifier: str) -> list[str]:
    """Of all devices that ever had this identifier."""
    context.actor.require(Permission.FLEET_DEVICE_READ)
    async with context.read() as session:
        return await devices.ids_named(session, context.customer_id, identifier)


async def register_device(context: Context, command: asked.RegisterDevice) -> DeviceRow:
    """Raises Conflict where the identifier is taken."""
    context.actor.require(Permission.FLEET_DEVICE_WRITE)
    may_configure(context, command)
    async with context.transaction() as work:
        device = await device_operations.register_device(work, command)
        await configuration.configure(work, device, command.configuration)
    return device


async def register_devices(
    context: Context, commands: Sequence[asked.RegisterDevice]
) -> list[DeviceRow]:
    """All or none, in the order given. At most 500 at once. Raises Conflict for an identifier that
    is taken, `at` its place."""
    context.actor.require(Permission.FLEET_DEVICE_WRITE)
    may_configure(context, *commands)
    if len(commands) > MAX_REGISTERED:
        raise ValidationFailed("input", f"more than {MAX_REGISTERED} devices")
    async with context.transaction() as work:
        found = await device_operations.register_devices(work, commands)
        for device, command in zip(found, commands, strict=True):
            await configuration.configure(work, device, command.configuration)
    return found


async def update_device(context: Context, command: asked.UpdateDevice) -> DeviceRow:
    context.actor.require(Permission.FLEET_DEVICE_WRITE)
    may_configure(context, command)
    async with context.transaction() as work:
        device = await device_operations.update_device(work, command)
        if device.kind is DeviceKind.GATEWAY:
            await follow_device(work, device)
        await configuration.desire_mode(work, device, command)
        await configuration.configure(work, device, command.configuration)
        if command.status is not None:
            told = asked.SetDeviceStatus(device=device.id, status=command.status)
            device = await presence.set_status(work, told)
    return device


async def remove_device(context: Context, key: str) -> DeviceRow:
    """Its tokens die with it and its socket closes, wherever that is."""
    context.actor.require(Permission.FLEET_DEVICE_WRITE)
    async with context.transaction() as work:
        removed = await device_operations.remove_device(work, key)
        await require_no_gateway(work, removed.id)
    context.services.identity.tokens.forget(removed.id)
    return removed


async def set_device_status(context: Context, command: asked.SetDeviceStatus) -> DeviceRow:
    context.actor.require(Permission.FLEET_DEVICE_WRITE)
    async with context.transaction() as work:
        return await presence.set_status(work, command)


async def heartbeat(context: Context, command: asked.Heartbeat) -> DeviceRow:
    context.actor.require_known()
    own_or(context, command.device, Permission.FLEET_DEVICE_REPORT)
    async with context.transaction() as work:
        return await presence.heartbeat(work, command)


async def status_history(context: Context, key: str, window: PageRequest) -> Page[StatusChangeRow]:
    context.actor.require_known()
    own_or(context, key, Permission.FLEET_DEVICE_READ)
    async with context.read() as session:
        found = await present(session, context, key)
        return await devices.status_changes(session, context.customer_id, found.id, window)


async def status_change(context: Context, change_id: str) -> StatusChangeRow | None:
    context.actor.require(Permission.FLEET_DEVICE_READ)
    if not is_id(change_id):
        return None
    async with context.read() as session:
        return await devices.status_change(session, context.customer_id, change_id)


async def issue_device_token(
    context: Context, key: str, *, end_others: bool = False
) -> IssuedToken:
    """A device may renew its own. With `end_others` every older one is dead at once."""
    context.actor.require_known()
    if end_others:
        context.actor.require(Permission.FLEET_TOKEN_ISSUE)
    own_or(context, key, Permission.FLEET_TOKEN_ISSUE)
    async with context.transaction() as work:
        if end_others:
            await device_operations.end_tokens(work, key)
        subject = await device_operations.token_subject(work, key)
    tokens = context.services.identity.tokens
    tokens.forget(subject.id)
    return tokens.issue_device(
        subject.id,
        subject.identifier,
        subject.customer_public_id,
        generation=subject.token_generation,
    )


async def connected_devices(context: Context) -> list[SessionRow]:
    """Live sockets of this customer's devices, whichever process holds them."""
    context.actor.require(Permission.FLEET_DEVICE_READ)
    since_us = context.services.clock.now_us() - fleet(context).settings.silent_after_us
    async with context.read() as session:
        return await sessions.listed(session, context.customer_id, since_us)

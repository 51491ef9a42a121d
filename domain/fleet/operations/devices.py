"""Registering, changing and removing devices."""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from domain.fleet import events, rules
from domain.fleet.commands import RegisterDevice, UpdateDevice
from domain.fleet.documents import json_text, merged
from domain.fleet.models import CommandState, DeviceStatus
from domain.fleet.repository import commands as command_rows
from domain.fleet.repository import configuration, devices, groups, sessions
from domain.fleet.repository.devices import DEVICE
from domain.fleet.rows import DeviceRow, TokenSubject
from domain.kernel.errors import Conflict, DomainError, NotFound
from domain.kernel.ids import new_id
from domain.kernel.uow import UnitOfWork
from domain.production.repository.aggregates import next_number

MAX_ATTRIBUTES: Final = 16 * 1024


async def register_device(
    work: UnitOfWork, command: RegisterDevice, device_id: str | None = None
) -> DeviceRow:
    """`device_id` is that of what becomes a device, too. Raises Conflict where a device of the
    customer has this identifier."""
    settings = await configuration.settings(work.session, work.customer_id)
    rules.require_override(settings, command.connection_mode)
    number = await next_number(work.session, work.customer_id, "device")
    device = _row(work, command, number, device_id or new_id())
    if not await devices.insert_new(work.session, work.customer_id, device):
        raise Conflict("A device has this identifier already", field="identifier")
    work.record(events.STREAM, events.DEVICE_REGISTERED, device.id, device=device._asdict())
    return device


async def register_devices(work: UnitOfWork, commands: Sequence[RegisterDevice]) -> list[DeviceRow]:
    """Each or none. Raises as `register_device`, with the place of the one that is refused."""
    found: list[DeviceRow] = []
    for place, command in enumerate(commands):
        try:
            found.append(await register_device(work, command))
        except DomainError as refused:
            refused.details = {**refused.details, "at": place}
            raise
    return found


async def update_device(work: UnitOfWork, command: UpdateDevice) -> DeviceRow:
    """Merges. Raises NotFound, or Conflict where `revision` is outdated."""
    device = await require_device(work, command.device, lock=True)
    if command.revision is not None and command.revision != device.revision:
        raise Conflict("The device was changed meanwhile", revision=device.revision)
    values = command.changes()
    if command.attributes is not None:
        found = merged(orjson.loads(device.attributes), command.attributes)
        values["attributes"] = json_text(found, "attributes", MAX_ATTRIBUTES)
    if "connection_mode" in values:
        settings = await configuration.settings(work.session, work.customer_id)
        rules.require_override(settings, values["connection_mode"])
    return await change_device(work, device, values)


async def change_device(work: UnitOfWork, device: DeviceRow, values: dict[str, Any]) -> DeviceRow:
    """`device` is locked; what is the same already is no change."""
    if device._replace(**values) == device:
        return device
    before = {name: getattr(device, name) for name in values}
    values |= {"revision": device.revision + 1, "updated_at_us": work.now_us}
    await devices.change(work.session, work.customer_id, device.id, **values)
    changed = device._replace(**values)
    told = changed._asdict()
    work.record_change(events.STREAM, events.DEVICE_UPDATED, device.id, before, device=told)
    return changed


async def remove_device(work: UnitOfWork, key: str) -> DeviceRow:
    """Ends its tokens, its socket and what waits for it; what it did stays. Raises NotFound."""
    device = await require_device(work, key, lock=True)
    for command in await command_rows.open_of(work.session, work.customer_id, device.id):
        await _call_off(work, device, command.id, command.state)
    await groups.leave_all(work.session, work.customer_id, device.id)
    await sessions.drop(work.session, device.id)
    values: dict[str, Any] = {
        "removed_at_us": work.now_us,
        "updated_at_us": work.now_us,
        "status": DeviceStatus.OFFLINE,
        "alive": False,
    }
    await _end_tokens(work, device.id, values)
    removed = device._replace(**values)
    before = device._asdict()
    work.record_change(
        events.STREAM, events.DEVICE_REMOVED, device.id, before, device=removed._asdict()
    )
    return removed


async def end_tokens(work: UnitOfWork, key: str) -> DeviceRow:
    """No token that was issued until now is good any more; a live session ends."""
    device = await require_device(work, key, lock=True)
    await _end_tokens(work, device.id, {})
    work.record(events.STREAM, events.TOKENS_ENDED, device.id)
    return device


async def token_subject(work: UnitOfWork, key: str) -> TokenSubject:
    """What a token for this device is made of. That one is issued is worth knowing."""
    device = await require_device(work, key)
    subject = await devices.token_subject(work.session, device.id)
    if subject is None:
        raise NotFound("Device", key)
    work.record(events.STREAM, events.TOKEN_ISSUED, device.id, identifier=device.identifier)
    return subject


async def heard_of(work: UnitOfWork, device_id: str) -> None:
    """It has said something, which is no heartbeat."""
    await devices.change(work.session, work.customer_id, device_id, last_seen_at_us=work.now_us)


async def require_device(work: UnitOfWork, key: str, *, lock: bool = False) -> DeviceRow:
    """By id or identifier. Raises NotFound."""
    load = devices.lock if lock else devices.find
    found = await load(work.session, work.customer_id, key)
    if found is None:
        raise NotFound("Device", key)
    return found


async def _end_tokens(work: UnitOfWork, device_id: str, values: dict[str, Any]) -> None:
    generation = {"token_generation": DEVICE.c.token_generation + 1}
    await devices.change(work.session, work.customer_id, device_id, **(values | generation))


async def _call_off(
    work: UnitOfWork, device: DeviceRow, command_id: str, state: CommandState
) -> None:
    """What it has not got is cancelled; to what it has there will be no answer."""
    queued = state is CommandState.QUEUED
    ended = await command_rows.change(
        work.session,
        work.customer_id,
        command_id,
        [state],
        state=CommandState.CANCELLED if queued else CommandState.TIMEOUT,
        error="The device was removed",
        error_code="REMOVED",
        finished_at_us=work.now_us,
    )
    if ended is not None:
        work.record(
            events.STREAM,
            events.COMMAND_FINISHED,
            device.id,
            command=ended._asdict(),
            identifier=device.identifier,
        )


def _row(work: UnitOfWork, command: RegisterDevice, number: int, device_id: str) -> DeviceRow:
    given = command.model_dump(exclude={"attributes", "configuration", "name", "status"})
    return DeviceRow(
        **given,
        id=device_id,
        number=number,
        name=command.name or command.identifier,
        status=command.status,
        status_reason=None,
        status_at_us=work.now_us,
        told=rules.is_told(command.status),
        reported=DeviceStatus.ONLINE,
        alive=command.status is not DeviceStatus.OFFLINE,
        last_heartbeat_at_us=None,
        queue_size=0,
        attributes=json_text(command.attributes, "attributes", MAX_ATTRIBUTES),
        revision=1,
        created_at_us=work.now_us,
        updated_at_us=work.now_us,
        removed_at_us=None,
    )

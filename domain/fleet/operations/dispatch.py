"""Commands on their way to devices."""

from collections.abc import Sequence

import orjson

from domain.fleet import events, rules
from domain.fleet.arguments import MAX_ARGUMENTS, PushConfig, arguments_of, arguments_text
from domain.fleet.commands import DispatchCommand, DispatchGroupCommand
from domain.fleet.documents import json_text
from domain.fleet.models import CommandState, CommandType
from domain.fleet.operations.devices import require_device
from domain.fleet.operations.groups import require_group
from domain.fleet.operations.updates import completed
from domain.fleet.repository import commands, configuration, devices, groups, sessions
from domain.fleet.rows import (
    BulkRow,
    CommandRow,
    ConfigurationRow,
    DeviceRow,
    Dispatched,
    DispatchedBulk,
)
from domain.fleet.rules import CATEGORY, OPEN, POLICIES, FleetSettings
from domain.journal import operations as journal
from domain.journal.models import Severity
from domain.kernel.errors import Conflict, ErrorCode, NotFound
from domain.kernel.ids import new_id
from domain.kernel.uow import UnitOfWork

OFFLINE = "OFFLINE"


async def dispatch(
    work: UnitOfWork,
    command: DispatchCommand,
    settings: FleetSettings,
    *,
    waits_until_us: int | None = None,
) -> Dispatched:
    """Once for each key of a device. With `waits_until_us` nobody awaits the answer, and whether
    the device is there or not the command waits for it until then. Raises NotFound, Conflict for
    an offline device that the command cannot wait for, RateLimited where too many wait."""
    arguments = arguments_text(arguments_of(command.type, command.arguments))
    # Whoever else sends to this device waits here: a key is taken once, an order kept.
    device = await require_device(work, command.device, lock=True)
    if command.key is not None:
        found = await commands.by_key(work.session, device.id, command.key)
        if found is not None:
            rules.require_same(found, command.type, arguments)
            return Dispatched(found, _is_awaited(found), fresh=False)
    online = bool(await _online(work, [device.id], settings))
    rules.require_reachable(command.type, online)
    waiting = await commands.count_open(work.session, [device.id])
    rules.require_room(waiting.get(device.id, 0), settings)
    arguments = await _filled(work, command.type, arguments, device.id)
    row = _row(work, device.id, command, arguments, online, settings)
    if waits_until_us is not None:
        row = row._replace(deadline_at_us=None, expires_at_us=waits_until_us)
    await commands.insert_rows(work.session, work.customer_id, [row])
    record_command(work, events.COMMAND_DISPATCHED, row, device.identifier)
    await _note_host_control(work, command.type, device.identifier, row)
    return Dispatched(row, _is_awaited(row), fresh=True)


async def dispatch_to_group(
    work: UnitOfWork, command: DispatchGroupCommand, settings: FleetSettings
) -> DispatchedBulk:
    """To every member at once, with a record each. What a member cannot be sent has FAILED from
    the start. Raises NotFound, Conflict, RateLimited where too many wait for all of them."""
    arguments = arguments_text(arguments_of(command.type, command.arguments))
    group = await require_group(work, command.group_id, lock=True)
    if command.key is not None:
        found = await commands.bulk_by_key(work.session, group.id, command.key)
        if found is not None:
            return await _same_bulk(work, found, command, arguments)
    members = (await groups.members(work.session, work.customer_id, [group.id]))[group.id]
    if not members:
        raise Conflict("The group has no devices")
    bulk_id = new_id()
    arguments = await completed(work, command.type, arguments)
    bulk = BulkRow(
        id=bulk_id,
        group_id=group.id,
        key=command.key or bulk_id,
        type=command.type,
        arguments=arguments,
        actor=work.actor.name,
        created_at_us=work.now_us,
    )
    rows = await _bulk_rows(work, bulk, members, command.timeout_ms, settings)
    rules.require_room_for_some(rows)
    await commands.insert_bulk(work.session, work.customer_id, bulk)
    await commands.insert_rows(work.session, work.customer_id, rows)
    names = {device.id: device.identifier for device in members}
    for row in rows:
        kind = events.COMMAND_DISPATCHED if row.state in OPEN else events.COMMAND_FINISHED
        record_command(work, kind, row, names[row.device_id])
    await _note_host_control(work, command.type, group.name, rows[0])
    return DispatchedBulk(bulk, [row.id for row in rows if _is_awaited(row)], fresh=True)


async def cancel(work: UnitOfWork, command_id: str) -> CommandRow:
    """Raises NotFound, or Conflict once the device has it."""
    found = (await commands.by_ids(work.session, work.customer_id, [command_id])).get(command_id)
    if found is None:
        raise NotFound("Command", command_id)
    if not rules.require_cancellable(found):
        return found
    ended = await commands.change(
        work.session,
        work.customer_id,
        command_id,
        [CommandState.QUEUED],
        state=CommandState.CANCELLED,
        finished_at_us=work.now_us,
    )
    if ended is None:
        raise Conflict("The device has this command already")
    await record_ended(work, ended)
    return ended


async def record_ended(work: UnitOfWork, command: CommandRow) -> None:
    """The fact that those who wait for a command are waiting for."""
    found = await devices.by_ids(work.session, work.customer_id, [command.device_id])
    record_command(work, events.COMMAND_FINISHED, command, found[command.device_id].identifier)


def record_command(work: UnitOfWork, kind: str, row: CommandRow, identifier: str) -> None:
    work.record(events.STREAM, kind, row.device_id, command=row._asdict(), identifier=identifier)


async def _online(work: UnitOfWork, device_ids: Sequence[str], settings: FleetSettings) -> set[str]:
    since_us = work.now_us - settings.silent_after_us
    return await sessions.online(work.session, work.customer_id, device_ids, since_us)


async def _same_bulk(
    work: UnitOfWork, found: BulkRow, command: DispatchGroupCommand, arguments: str
) -> DispatchedBulk:
    rules.require_same(found, command.type, arguments)
    rows = await commands.of_bulk(work.session, work.customer_id, found.id)
    return DispatchedBulk(found, [row.id for row in rows if _is_awaited(row)], fresh=False)


def _is_awaited(row: CommandRow) -> bool:
    return row.state in OPEN and row.deadline_at_us is not None


async def _bulk_rows(
    work: UnitOfWork,
    bulk: BulkRow,
    members: Sequence[DeviceRow],
    timeout_ms: int,
    settings: FleetSettings,
) -> list[CommandRow]:
    ids = [device.id for device in members]
    online = await _online(work, ids, settings)
    waiting = await commands.count_open(work.session, ids)
    desired = await _desired(work, bulk.type, ids)
    rows = []
    for device in members:
        asked = DispatchCommand(
            device=device.id, type=bulk.type, key=bulk.id, timeout_ms=timeout_ms
        )
        arguments = _push_arguments(bulk.arguments, desired.get(device.id))
        row = _row(work, device.id, asked, arguments, device.id in online, settings)
        row = row._replace(bulk_id=bulk.id)
        if device.id not in online and not POLICIES[bulk.type].waits:
            row = _refused(work, row, OFFLINE, "The device is offline")
        elif waiting.get(device.id, 0) >= settings.max_open:
            row = _refused(work, row, ErrorCode.RATE_LIMITED, rules.NO_ROOM)
        rows.append(row)
    return rows


def _refused(work: UnitOfWork, row: CommandRow, code: str, message: str) -> CommandRow:
    return row._replace(
        state=CommandState.FAILED, error_code=code, error=message, finished_at_us=work.now_us
    )


def _row(
    work: UnitOfWork,
    device_id: str,
    command: DispatchCommand,
    arguments: str,
    online: bool,
    settings: FleetSettings,
) -> CommandRow:
    command_id = new_id()
    return CommandRow(
        id=command_id,
        device_id=device_id,
        key=command.key or command_id,
        type=command.type,
        arguments=arguments,
        state=CommandState.QUEUED,
        timeout_ms=command.timeout_ms,
        result=None,
        error_code=None,
        error=None,
        actor_id=work.actor.id,
        actor=work.actor.name,
        bulk_id=None,
        created_at_us=work.now_us,
        sent_at_us=None,
        finished_at_us=None,
        deadline_at_us=work.now_us + command.timeout_ms * 1_000 if online else None,
        expires_at_us=work.now_us + settings.queued_us,
    )


async def _filled(work: UnitOfWork, kind: CommandType, arguments: str, device_id: str) -> str:
    arguments = await completed(work, kind, arguments)
    desired = await _desired(work, kind, [device_id])
    return _push_arguments(arguments, desired.get(device_id))


async def _desired(
    work: UnitOfWork, kind: CommandType, ids: Sequence[str]
) -> dict[str, ConfigurationRow]:
    if kind is not CommandType.PUSH_CONFIG:
        return {}
    return await configuration.in_force(work.session, work.customer_id, ids)


def _push_arguments(arguments: str, desired: ConfigurationRow | None) -> str:
    """What is to be pushed, where the caller named no document of its own."""
    if desired is None or PushConfig.model_validate_json(arguments).document is not None:
        return arguments
    given = {"version": desired.version, "document": orjson.loads(desired.document)}
    return json_text(given, "arguments", MAX_ARGUMENTS)


async def _note_host_control(
    work: UnitOfWork, kind: CommandType, target: str, row: CommandRow
) -> None:
    if not POLICIES[kind].host_control:
        return
    await journal.record(
        work,
        f"{kind} was sent to {target}",
        category=CATEGORY,
        source=work.actor.name,
        severity=Severity.WARNING,
        data={"command_id": row.id, "arguments": row.arguments[:4_000]},
    )

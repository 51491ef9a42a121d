"""Commands to devices."""

from domain.fleet import commands as asked
from domain.fleet.commands import CommandFilter
from domain.fleet.models import CommandType
from domain.fleet.operations import (
    dispatch,
    outcomes,
)
from domain.fleet.repository import commands
from domain.fleet.rows import (
    BulkRow,
    CommandRow,
)
from domain.fleet.rules import POLICIES
from domain.kernel.errors import NotFound
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from domain.kernel.text import is_storable
from graph.context import Context
from graph.fleet.access import fleet, present


async def list_commands(
    context: Context, wanted: CommandFilter, window: PageRequest
) -> Page[CommandRow]:
    context.actor.require(Permission.FLEET_COMMAND_READ)
    if not all(is_id(key) for key in (wanted.device_id, wanted.bulk_id) if key is not None):
        return Page([], False, False)
    async with context.read() as session:
        return await commands.page(session, context.customer_id, wanted, window)


async def count_commands(context: Context, wanted: CommandFilter) -> int:
    context.actor.require(Permission.FLEET_COMMAND_READ)
    if not all(is_id(key) for key in (wanted.device_id, wanted.bulk_id) if key is not None):
        return 0
    async with context.read() as session:
        return await commands.count(session, context.customer_id, wanted)


async def command(context: Context, command_id: str) -> CommandRow | None:
    context.actor.require(Permission.FLEET_COMMAND_READ)
    if not is_id(command_id):
        return None
    async with context.read() as session:
        return (await commands.by_ids(session, context.customer_id, [command_id])).get(command_id)


async def command_of_device(context: Context, key: str, command_key: str) -> CommandRow | None:
    """By the client's id of it or ours. Raises NotFound for a device that is not there."""
    context.actor.require(Permission.FLEET_COMMAND_READ)
    async with context.read() as session:
        found = await present(session, context, key)
        if not is_storable(command_key):
            return None
        return await commands.find(session, context.customer_id, found.id, command_key)


async def dispatch_command(context: Context, command: asked.DispatchCommand) -> CommandRow:
    """Answers when the device has, or its time is over; at once where it is offline and the
    command waits for it."""
    context.actor.require(Permission.FLEET_COMMAND_DISPATCH)
    _require_host_control(context, command.type)
    services = fleet(context)
    with services.results.place((context.customer_id, command.device)):
        async with context.transaction() as work:
            sent = await dispatch.dispatch(work, command, services.settings)
        found = sent.command
        if sent.fresh:
            # Every process that holds the device hears of it from the log; this one need not wait.
            services.channel.send(found.device_id, found)
        if not sent.awaited:
            return found
        await _awaited(context, [found.id], command.timeout_ms, run_out=sent.fresh)
    async with context.read() as session:
        return (await commands.by_ids(session, context.customer_id, [found.id]))[found.id]


async def dispatch_group_command(
    context: Context, command: asked.DispatchGroupCommand
) -> tuple[BulkRow, list[CommandRow]]:
    """To every member, with a record each, once all have answered or the time is over."""
    context.actor.require(Permission.FLEET_COMMAND_DISPATCH)
    _require_host_control(context, command.type)
    services = fleet(context)
    with services.results.place((context.customer_id, command.group_id)):
        async with context.transaction() as work:
            sent = await dispatch.dispatch_to_group(work, command, services.settings)
        await _awaited(context, sent.awaited, command.timeout_ms, run_out=sent.fresh)
    async with context.read() as session:
        return sent.bulk, await commands.of_bulk(session, context.customer_id, sent.bulk.id)


async def cancel_command(context: Context, command_id: str) -> CommandRow:
    context.actor.require(Permission.FLEET_COMMAND_DISPATCH)
    if not is_id(command_id):
        raise NotFound("Command", command_id)
    async with context.transaction() as work:
        return await dispatch.cancel(work, command_id)


def _require_host_control(context: Context, kind: CommandType) -> None:
    if POLICIES[kind].host_control:
        context.actor.require(Permission.FLEET_HOST_CONTROL)


async def _awaited(
    context: Context, command_ids: list[str], timeout_ms: int, *, run_out: bool
) -> None:
    """Until all of them ended, or the time is over; with `run_out` it is over for them too. Who
    asks for the same command again does not shorten its time."""
    if not command_ids:
        return
    with fleet(context).results.waiting(command_ids) as waiting:
        async with context.read() as session:
            known = await commands.by_ids(session, context.customer_id, command_ids)
        for row in known.values():
            waiting.add(row)
        if await waiting.all(timeout_ms / 1_000) or not run_out:
            return
        missing = sorted(waiting.missing)
    async with context.transaction() as work:
        for command_id in missing:
            await outcomes.timed_out(work, command_id)

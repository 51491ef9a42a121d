"""What becomes of commands."""

from typing import Any, Final

from pydantic import JsonValue

from domain.fleet import events
from domain.fleet.documents import json_text
from domain.fleet.models import CommandState, CommandType
from domain.fleet.operations.devices import change_device
from domain.fleet.operations.dispatch import record_command, record_ended
from domain.fleet.repository import commands, devices
from domain.fleet.rows import CommandRow
from domain.fleet.rules import may_become
from domain.kernel.errors import ValidationFailed
from domain.kernel.text import storable
from domain.kernel.uow import UnitOfWork

MAX_RESULT: Final = 128 * 1024
_SWITCHES: Final = {CommandType.ENABLE_DEVICE: True, CommandType.DISABLE_DEVICE: False}


async def acknowledged(work: UnitOfWork, device_id: str, command_id: str) -> CommandRow | None:
    """The device has it on disk. None where that is old news, or not its command."""
    found = await _own(work, device_id, command_id)
    if found is None:
        return None
    deadline_us = found.deadline_at_us or work.now_us + found.timeout_ms * 1_000
    sent = await commands.change(
        work.session,
        work.customer_id,
        command_id,
        may_become(CommandState.SENT),
        state=CommandState.SENT,
        sent_at_us=work.now_us,
        deadline_at_us=deadline_us,
    )
    if sent is not None:
        await _record_sent(work, sent)
    return sent


async def answered(
    work: UnitOfWork,
    device_id: str,
    command_id: str,
    result: JsonValue,
    error: tuple[str, str] | None,
) -> CommandRow | None:
    """The device's answer, its (code, message) where it failed. An answer again changes nothing:
    None then, and for what is not its command."""
    found = await _own(work, device_id, command_id)
    if found is None:
        return None
    if found.type in _SWITCHES:
        await devices.lock(work.session, work.customer_id, device_id)
    state = CommandState.SUCCEEDED if error is None else CommandState.FAILED
    code, message = error or (None, None)
    ended = await commands.change(
        work.session,
        work.customer_id,
        command_id,
        may_become(state),
        state=state,
        result=_result_text(result),
        error_code=code,
        error=None if message is None else storable(message),
        finished_at_us=work.now_us,
    )
    if ended is None:
        return None
    await record_ended(work, ended)
    if state is CommandState.SUCCEEDED and ended.type in _SWITCHES:
        await _switch(work, device_id, _SWITCHES[ended.type])
    return ended


async def timed_out(work: UnitOfWork, command_id: str) -> CommandRow | None:
    """Its time is over; None where its answer came first, or it waits for an offline device."""
    return await run_out(work, command_id, CommandState.TIMEOUT)


async def run_out(work: UnitOfWork, command_id: str, state: CommandState) -> CommandRow | None:
    """TIMEOUT or EXPIRED."""
    told: dict[str, Any] = {"error": "The device did not answer in time", "error_code": "TIMEOUT"}
    if state is CommandState.EXPIRED:
        told = {"error": "The device did not come back in time", "error_code": "EXPIRED"}
    ended = await commands.change(
        work.session,
        work.customer_id,
        command_id,
        may_become(state),
        state=state,
        finished_at_us=work.now_us,
        **told,
    )
    if ended is not None:
        await record_ended(work, ended)
    return ended


async def _own(work: UnitOfWork, device_id: str, command_id: str) -> CommandRow | None:
    found = (await commands.by_ids(work.session, work.customer_id, [command_id])).get(command_id)
    return found if found is not None and found.device_id == device_id else None


async def _record_sent(work: UnitOfWork, command: CommandRow) -> None:
    found = await devices.by_ids(work.session, work.customer_id, [command.device_id])
    record_command(work, events.COMMAND_SENT, command, found[command.device_id].identifier)


async def _switch(work: UnitOfWork, device_id: str, enabled: bool) -> None:
    device = await devices.lock(work.session, work.customer_id, device_id)
    if device is not None:
        await change_device(work, device, {"enabled": enabled})


def _result_text(result: JsonValue) -> str | None:
    """What is too much is dropped and said so: an answer is never refused for its size."""
    if result is None:
        return None
    try:
        return json_text(result, "result", MAX_RESULT)
    except ValidationFailed as refused:
        return json_text({"dropped": refused.message}, "result", MAX_RESULT)

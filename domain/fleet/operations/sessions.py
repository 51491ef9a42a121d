"""Sockets of devices as every process of the factory knows them."""

from domain.fleet import events
from domain.fleet.commands import Heartbeat
from domain.fleet.operations import presence
from domain.fleet.operations.devices import require_device
from domain.fleet.repository import commands, configuration, devices, sessions
from domain.fleet.rows import (
    CommandRow,
    ConfigurationRow,
    ConnectionSettingsRow,
    DeviceRow,
    SessionRow,
)
from domain.kernel.uow import UnitOfWork

CLOSED = "connection closed"


async def open_session(work: UnitOfWork, row: SessionRow, greeting: Heartbeat) -> DeviceRow:
    """It takes the place of the device's older session. Raises NotFound for a removed device."""
    await require_device(work, row.device_id, lock=True)
    await sessions.put(work.session, work.customer_id, row)
    work.record(
        events.STREAM,
        events.SESSION_OPENED,
        row.device_id,
        session_id=row.session_id,
        process_id=row.process_id,
    )
    return await presence.heartbeat(work, greeting)


async def close_session(work: UnitOfWork, device_id: str, session_id: str, reason: str) -> bool:
    """The device is offline at once, unless a newer session has taken over: False then."""
    # The device first, here and everywhere: two who lock in two orders wait for each other.
    await devices.lock(work.session, work.customer_id, device_id)
    if not await sessions.drop(work.session, device_id, session_id):
        return False
    work.record(events.STREAM, events.SESSION_CLOSED, device_id, session_id=session_id)
    await presence.gone(work, device_id, reason)
    return True


async def keep_session(work: UnitOfWork, row: SessionRow, command: Heartbeat) -> bool:
    """A heartbeat over the socket. False where another session has taken this one's place: then
    the caller undoes the whole."""
    if not await presence.beat(work, row.device_id, command):
        await presence.heartbeat(work, command)
    return await sessions.touch(work.session, row.device_id, row.session_id, work.now_us)


async def connection_settings(work: UnitOfWork) -> ConnectionSettingsRow:
    return await configuration.settings(work.session, work.customer_id)


async def what_waits(work: UnitOfWork, device_id: str) -> tuple[list[CommandRow], ConfigurationRow]:
    """The open commands of a device that has just come, and its configuration in force."""
    waiting = await commands.open_of(work.session, work.customer_id, device_id)
    desired = await configuration.desired(work.session, work.customer_id, device_id)
    return waiting, desired or ConfigurationRow(device_id)

"""What devices tell of their work: log entries, measured values, what asks for attention."""

from domain.fleet import events
from domain.fleet.commands import (
    NewLog,
    NewPoint,
    RecordDeviceAlert,
    RecordLogs,
    RecordTelemetry,
)
from domain.fleet.operations.devices import heard_of, require_device
from domain.fleet.repository import records, telemetry
from domain.fleet.rows import DeviceLogRow, TelemetryRow
from domain.fleet.rules import ALERT
from domain.journal import operations as journal
from domain.journal.rows import EventRow
from domain.kernel.ids import new_id
from domain.kernel.text import storable
from domain.kernel.uow import UnitOfWork


async def record_logs(work: UnitOfWork, command: RecordLogs) -> list[DeviceLogRow]:
    """In the order in which they came. Raises NotFound."""
    device = await require_device(work, command.device)
    rows = [_log(work, device.id, entry) for entry in command.entries]
    await heard_of(work, device.id)
    await records.insert_logs(work.session, work.customer_id, rows)
    work.record(
        events.STREAM, events.LOGS_RECORDED, device.id, count=len(rows), last_id=rows[-1].id
    )
    return rows


async def record_telemetry(work: UnitOfWork, command: RecordTelemetry) -> list[TelemetryRow]:
    """A point that is there already stays as it was. Raises NotFound."""
    device = await require_device(work, command.device)
    rows = [_point(work, device.id, point) for point in command.points]
    await heard_of(work, device.id)
    await telemetry.insert_points(work.session, work.customer_id, rows)
    return rows


async def record_alert(work: UnitOfWork, command: RecordDeviceAlert) -> EventRow:
    """In the journal, where it is acknowledged. Raises NotFound."""
    device = await require_device(work, command.device)
    await heard_of(work, device.id)
    return await journal.record(
        work,
        command.message,
        category=ALERT,
        source=device.identifier,
        severity=command.severity,
        data=command.data,
    )


def _log(work: UnitOfWork, device_id: str, entry: NewLog) -> DeviceLogRow:
    at_us = work.now_us if entry.logged_at_us is None else entry.logged_at_us
    return DeviceLogRow(
        id=new_id(),
        device_id=device_id,
        level=entry.level,
        source=entry.source,
        message=storable(entry.message),
        logged_at_us=at_us,
        received_at_us=work.now_us,
    )


def _point(work: UnitOfWork, device_id: str, point: NewPoint) -> TelemetryRow:
    at_us = work.now_us if point.measured_at_us is None else point.measured_at_us
    return TelemetryRow(device_id, point.metric, at_us, point.value)

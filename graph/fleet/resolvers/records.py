"""What devices tell of their work."""

from collections.abc import Sequence
from typing import Final

from domain.fleet import commands as asked
from domain.fleet.commands import LogFilter, TelemetryFilter
from domain.fleet.operations import (
    reports,
)
from domain.fleet.repository import records
from domain.fleet.repository.records import TelemetryTotal
from domain.fleet.rows import (
    DeviceLogRow,
    TelemetryRow,
)
from domain.kernel.errors import ValidationFailed
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from graph.context import Context
from graph.fleet.access import own_or, present

MAX_POINTS: Final = 10_000


async def list_logs(
    context: Context, key: str, wanted: LogFilter, window: PageRequest
) -> Page[DeviceLogRow]:
    context.actor.require(Permission.FLEET_LOG_READ)
    async with context.read() as session:
        found = await present(session, context, key)
        return await records.log_page(session, context.customer_id, found.id, wanted, window)


async def count_logs(context: Context, key: str, wanted: LogFilter) -> int:
    context.actor.require(Permission.FLEET_LOG_READ)
    async with context.read() as session:
        found = await present(session, context, key)
        return await records.count_logs(session, context.customer_id, found.id, wanted)


async def log_entry(context: Context, entry_id: str) -> DeviceLogRow | None:
    context.actor.require(Permission.FLEET_LOG_READ)
    if not is_id(entry_id):
        return None
    async with context.read() as session:
        return await records.log_entry(session, context.customer_id, entry_id)


async def record_logs(context: Context, command: asked.RecordLogs) -> list[DeviceLogRow]:
    context.actor.require_known()
    own_or(context, command.device, Permission.FLEET_DEVICE_REPORT)
    async with context.transaction() as work:
        return await reports.record_logs(work, command)


async def record_telemetry(context: Context, command: asked.RecordTelemetry) -> list[TelemetryRow]:
    context.actor.require_known()
    own_or(context, command.device, Permission.FLEET_DEVICE_REPORT)
    async with context.transaction() as work:
        return await reports.record_telemetry(work, command)


async def record_telemetries(context: Context, batches: Sequence[asked.RecordTelemetry]) -> int:
    """Of several devices, all or none: how many points are stored. At most 10,000 at once."""
    context.actor.require_known()
    for batch in batches:
        own_or(context, batch.device, Permission.FLEET_DEVICE_REPORT)
    if sum(len(batch.points) for batch in batches) > MAX_POINTS:
        raise ValidationFailed("input", f"more than {MAX_POINTS} points")
    async with context.transaction() as work:
        stored = [await reports.record_telemetry(work, batch) for batch in batches]
    return sum(map(len, stored))


async def telemetry(context: Context, key: str, wanted: TelemetryFilter) -> list[TelemetryRow]:
    """Newest first."""
    context.actor.require(Permission.FLEET_TELEMETRY_READ)
    async with context.read() as session:
        found = await present(session, context, key)
        return await records.points(session, context.customer_id, found.id, wanted)


async def latest_telemetry(context: Context, device_ids: Sequence[str]) -> list[TelemetryRow]:
    """The last value of each metric of these devices."""
    context.actor.require(Permission.FLEET_TELEMETRY_READ)
    async with context.read() as session:
        found = await records.latest(session, context.customer_id, device_ids)
    return [row for rows in found.values() for row in rows]


async def telemetry_total(context: Context, device_id: str | None, since_us: int) -> TelemetryTotal:
    """How many points are kept, of one device or of all, and how many since then."""
    context.actor.require(Permission.FLEET_TELEMETRY_READ)
    async with context.read() as session:
        return await records.total(session, context.customer_id, device_id, since_us)

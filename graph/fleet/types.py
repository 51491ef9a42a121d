"""What the graph shows of fleet. Built from rows; plain fields are plain attributes."""

from typing import Annotated, Any

import orjson
import strawberry
from strawberry.scalars import JSON

import graph.sync.types  # noqa: F401 - declares ConnectionMode
from domain.fleet.models import CommandState, CommandType, DeviceKind, DeviceStatus, LogLevel
from domain.fleet.rows import (
    AlertCounts,
    CommandRow,
    ConfigurationRow,
    ConnectionSettingsRow,
    DeviceLogRow,
    DeviceRow,
    GroupRow,
    SessionRow,
    StatusChangeRow,
)
from domain.fleet.rules import StatisticsRange
from domain.sync.models import ConnectionMode
from graph.fleet import loaders
from graph.fleet.configuration_types import DeviceConfig, device_config
from graph.fleet.figure_types import (
    AlertSummary,
    TelemetryPoint,
    TelemetrySeries,
    TelemetrySummary,
    alert_summary,
    last_point,
    series_type,
)
from graph.info import Info
from graph.pagination import Node, global_id
from graph.scalars import Timestamp, moment

strawberry.enum(DeviceKind, name="DeviceKind")
strawberry.enum(DeviceStatus, name="DeviceStatus")
strawberry.enum(CommandType, name="CommandType")
strawberry.enum(CommandState, name="CommandStatus")
strawberry.enum(LogLevel, name="LogLevel")

LazyDevice = Annotated["Device", strawberry.lazy("graph.fleet.types")]


@strawberry.type(description="Devices that are spoken to together")
class DeviceGroup(Node):
    name: str
    description: str | None
    created_at: Timestamp
    updated_at: Timestamp
    row: strawberry.Private[GroupRow]

    @strawberry.field(description="Its members by number, at most 500")
    async def devices(self, info: Info) -> list[LazyDevice]:
        rows = await loaders.devices_by_group(info.context).load(self.row.id)
        return [device_type(row) for row in rows or ()]

    @strawberry.field
    async def device_count(self, info: Info) -> int:
        return await loaders.size_by_group(info.context).load(self.row.id) or 0


@strawberry.type(description="Anything that is registered, of whatever kind")
class Device(Node):
    identifier: str
    number: int
    name: str
    kind: DeviceKind
    status: DeviceStatus
    status_reason: str | None
    status_at: Timestamp
    enabled: bool
    line_id: str | None
    location: str | None
    manufacturer: str | None
    model: str | None
    connection_mode: ConnectionMode | None
    firmware_version: str | None
    last_heartbeat_at: Timestamp | None
    last_seen_at: Timestamp | None = strawberry.field(
        description="Any word of it: a heartbeat, a value, a log entry, an alert"
    )
    queue_size: float
    revision: int
    created_at: Timestamp
    updated_at: Timestamp
    removed_at: Timestamp | None
    row: strawberry.Private[DeviceRow]

    @strawberry.field(description="What else is known of it")
    def attributes(self) -> JSON:
        return _json(self.row.attributes)

    @strawberry.field(description="The groups it is in, by name")
    async def groups(self, info: Info) -> list[DeviceGroup]:
        rows = await loaders.groups_by_device(info.context).load(self.row.id)
        return [group_type(row) for row in rows or ()]

    @strawberry.field
    async def config(self, info: Info) -> DeviceConfig:
        desired = await loaders.desired_by_device(info.context).load(self.row.id)
        reported = await loaders.reported_by_device(info.context).load(self.row.id)
        return device_config(desired or ConfigurationRow(self.row.id), reported)

    @strawberry.field(description="The last value of each metric")
    async def latest_telemetry(self, info: Info) -> list[TelemetryPoint]:
        rows = await loaders.series_by_device(info.context).load(self.row.id)
        return [last_point(row) for row in rows or ()]

    @strawberry.field(description="Every metric that it measures")
    async def telemetry_series(self, info: Info) -> list[TelemetrySeries]:
        rows = await loaders.series_by_device(info.context).load(self.row.id)
        return [series_type(row) for row in rows or ()]

    @strawberry.field
    async def telemetry_summary(
        self, info: Info, range: StatisticsRange = StatisticsRange.LAST_DAY
    ) -> TelemetrySummary:
        rows = await loaders.series_by_device(info.context).load(self.row.id) or []
        recent = await loaders.recent_points_by_device(info.context, range).load(self.row.id)
        return TelemetrySummary(
            total_points=sum(row.points for row in rows),
            recent_points=recent or 0,
            latest=[last_point(row) for row in rows],
        )

    @strawberry.field
    async def alert_summary(self, info: Info) -> AlertSummary:
        found = await loaders.alerts_by_device(info.context).load(self.row.id)
        return alert_summary(found or AlertCounts())


@strawberry.type(description="A change of a device's status")
class DeviceStatusChange(Node):
    status: DeviceStatus
    previous_status: DeviceStatus
    reason: str | None
    actor: str
    at: Timestamp
    details: JSON | None = strawberry.field(description="What people told with it")


@strawberry.type(description="Something that a device was told to do")
class DeviceCommand(Node):
    command_id: str
    type: CommandType
    status: CommandState
    timeout_ms: int
    error_code: str | None
    error: str | None
    actor: str
    created_at: Timestamp
    sent_at: Timestamp | None
    finished_at: Timestamp | None
    bulk_id: strawberry.ID | None
    row: strawberry.Private[CommandRow]

    @strawberry.field
    def arguments(self) -> JSON:
        return _json(self.row.arguments)

    @strawberry.field(description="What the device answered")
    def result(self) -> JSON | None:
        return None if self.row.result is None else _json(self.row.result)

    @strawberry.field
    async def device(self, info: Info) -> Device | None:
        row = await loaders.device_by_id(info.context).load(self.row.device_id)
        return None if row is None else device_type(row)


@strawberry.type(description="One command to every member of a group, with a record each")
class BulkCommand:
    id: strawberry.ID
    commands: list[DeviceCommand]

    @strawberry.field
    def succeeded(self) -> int:
        return sum(one.status is CommandState.SUCCEEDED for one in self.commands)


@strawberry.type
class DeviceLogEntry(Node):
    level: LogLevel
    source: str | None
    message: str
    logged_at: Timestamp
    received_at: Timestamp


@strawberry.type(description="A live socket of a device")
class DeviceSession:
    session_id: str
    process_id: str
    address: str
    since: Timestamp
    last_seen_at: Timestamp
    row: strawberry.Private[SessionRow]

    @strawberry.field
    async def device(self, info: Info) -> Device | None:
        row = await loaders.device_by_id(info.context).load(self.row.device_id)
        return None if row is None else device_type(row)


@strawberry.type(description="How edges reach the cloud")
class FleetConnectionSettings:
    default_mode: ConnectionMode
    allow_device_override: bool
    cloud_sync_enabled: bool


@strawberry.type
class DeviceToken:
    token: str
    expires_at: Timestamp


@strawberry.type(description="`changed` counts those that came in or left")
class GroupMembersChanged:
    changed: int
    group: DeviceGroup


@strawberry.type
class DeviceStatusStreamItem:
    cursor: str
    device: Device
    status: DeviceStatus
    previous_status: DeviceStatus
    reason: str | None
    at: Timestamp


@strawberry.type
class CommandStreamItem:
    cursor: str
    command: DeviceCommand
    at: Timestamp


def device_type(row: DeviceRow) -> Device:
    mode = row.connection_mode
    return Device(
        id=global_id("Device", row.id),
        identifier=row.identifier,
        number=row.number,
        name=row.name,
        kind=DeviceKind(row.kind),
        status=DeviceStatus(row.status),
        status_reason=row.status_reason,
        status_at=Timestamp(row.status_at_us),
        enabled=row.enabled,
        line_id=row.line_id,
        location=row.location,
        manufacturer=row.manufacturer,
        model=row.model,
        connection_mode=None if mode is None else ConnectionMode(mode),
        firmware_version=row.firmware_version,
        last_heartbeat_at=moment(row.last_heartbeat_at_us),
        last_seen_at=moment(row.last_seen_at_us),
        queue_size=row.queue_size,
        revision=row.revision,
        created_at=Timestamp(row.created_at_us),
        updated_at=Timestamp(row.updated_at_us),
        removed_at=moment(row.removed_at_us),
        row=row,
    )


def group_type(row: GroupRow) -> DeviceGroup:
    return DeviceGroup(
        id=global_id("DeviceGroup", row.id),
        name=row.name,
        description=row.description,
        created_at=Timestamp(row.created_at_us),
        updated_at=Timestamp(row.updated_at_us),
        row=row,
    )


def command_type(row: CommandRow) -> DeviceCommand:
    return DeviceCommand(
        id=global_id("DeviceCommand", row.id),
        command_id=row.key,
        type=CommandType(row.type),
        status=CommandState(row.state),
        timeout_ms=row.timeout_ms,
        error_code=row.error_code,
        error=row.error,
        actor=row.actor,
        created_at=Timestamp(row.created_at_us),
        sent_at=moment(row.sent_at_us),
        finished_at=moment(row.finished_at_us),
        bulk_id=None if row.bulk_id is None else strawberry.ID(row.bulk_id),
        row=row,
    )


def status_change_type(row: StatusChangeRow) -> DeviceStatusChange:
    return DeviceStatusChange(
        id=global_id("DeviceStatusChange", row.id),
        status=DeviceStatus(row.status),
        previous_status=DeviceStatus(row.previous),
        reason=row.reason,
        actor=row.actor,
        at=Timestamp(row.at_us),
        details=None if row.details is None else _json(row.details),
    )


def log_type(row: DeviceLogRow) -> DeviceLogEntry:
    return DeviceLogEntry(
        id=global_id("DeviceLogEntry", row.id),
        level=LogLevel(row.level),
        source=row.source,
        message=row.message,
        logged_at=Timestamp(row.logged_at_us),
        received_at=Timestamp(row.received_at_us),
    )


def session_type(row: SessionRow) -> DeviceSession:
    return DeviceSession(
        session_id=row.session_id,
        process_id=row.process_id,
        address=row.address,
        since=Timestamp(row.since_us),
        last_seen_at=Timestamp(row.last_seen_at_us),
        row=row,
    )


def connection_settings_type(row: ConnectionSettingsRow) -> FleetConnectionSettings:
    return FleetConnectionSettings(
        default_mode=ConnectionMode(row.default_mode),
        allow_device_override=row.allow_device_override,
        cloud_sync_enabled=row.cloud_sync_enabled,
    )


def _json(text: str) -> JSON:
    found: Any = orjson.loads(text)
    return JSON(found)

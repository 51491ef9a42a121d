"""Inputs of fleet, each named after its mutation; `command()` makes what resolvers take.

Devices are named by global id, plain id or identifier."""

from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.scalars import JSON

from domain.fleet import commands as asked
from domain.fleet.models import CommandState, CommandType, DeviceKind, DeviceStatus, LogLevel
from domain.journal.models import Severity
from domain.sync.models import ConnectionMode
from graph.pagination import filter_id, plain_id
from graph.scalars import Timestamp


def device_key(value: str) -> str:
    return plain_id(value, "Device")


def _given(value: object) -> dict[str, Any]:
    """What the caller said, null included."""
    return {name: found for name, found in vars(value).items() if found is not UNSET}


def _keys(values: list[strawberry.ID]) -> tuple[str, ...]:
    return tuple(device_key(value) for value in values)


@strawberry.input
class RegisterDeviceInput:
    identifier: str
    name: str | None = None
    kind: DeviceKind = DeviceKind.EDGE
    status: DeviceStatus = DeviceStatus.OFFLINE
    enabled: bool = True
    line_id: str | None = None
    location: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    connection_mode: ConnectionMode | None = None
    firmware_version: str | None = None
    attributes: JSON | None = None
    configuration: JSON | None = strawberry.field(
        default=None, description="What it is to be configured as"
    )

    def command(self) -> asked.RegisterDevice:
        return asked.RegisterDevice.of(**(vars(self) | {"attributes": self.attributes or {}}))


@strawberry.input(
    description="Only what is given changes; attributes and configuration merge (RFC 7386)"
)
class UpdateDeviceInput:
    id: strawberry.ID
    name: str | None = UNSET
    kind: DeviceKind | None = UNSET
    enabled: bool | None = UNSET
    line_id: str | None = UNSET
    location: str | None = UNSET
    manufacturer: str | None = UNSET
    model: str | None = UNSET
    connection_mode: ConnectionMode | None = UNSET
    firmware_version: str | None = UNSET
    attributes: JSON | None = UNSET
    status: DeviceStatus | None = UNSET
    configuration: JSON | None = UNSET
    revision: int | None = None

    def command(self) -> asked.UpdateDevice:
        given = _given(self)
        return asked.UpdateDevice.of(device=device_key(given.pop("id")), **given)


@strawberry.input
class SetDeviceStatusInput:
    id: strawberry.ID
    status: DeviceStatus
    reason: str | None = None
    details: JSON | None = strawberry.field(
        default=None, description="An object, kept with the change"
    )

    def command(self) -> asked.SetDeviceStatus:
        return asked.SetDeviceStatus.of(
            device=device_key(self.id),
            status=self.status,
            reason=self.reason,
            details=self.details,
        )


@strawberry.input
class DispatchCommandInput:
    device_id: strawberry.ID
    type: CommandType
    command_id: str | None = strawberry.field(
        default=None, description="Your id of it: the same again answers the same record"
    )
    arguments: JSON | None = None
    timeout_ms: int = 15_000

    def command(self) -> asked.DispatchCommand:
        return asked.DispatchCommand.of(
            device=device_key(self.device_id),
            type=self.type,
            key=self.command_id,
            arguments={} if self.arguments is None else self.arguments,
            timeout_ms=self.timeout_ms,
        )


@strawberry.input
class DispatchGroupCommandInput:
    group_id: strawberry.ID
    type: CommandType
    command_id: str | None = None
    arguments: JSON | None = None
    timeout_ms: int = 15_000

    def command(self) -> asked.DispatchGroupCommand:
        return asked.DispatchGroupCommand.of(
            group_id=plain_id(self.group_id, "DeviceGroup"),
            type=self.type,
            key=self.command_id,
            arguments={} if self.arguments is None else self.arguments,
            timeout_ms=self.timeout_ms,
        )


@strawberry.input
class CreateDeviceGroupInput:
    name: str
    description: str | None = None
    device_ids: list[strawberry.ID] = strawberry.field(default_factory=list)

    def command(self) -> asked.CreateGroup:
        return asked.CreateGroup.of(
            name=self.name, description=self.description, devices=_keys(self.device_ids)
        )


@strawberry.input
class UpdateDeviceGroupInput:
    id: strawberry.ID
    name: str | None = UNSET
    description: str | None = UNSET

    def command(self) -> asked.UpdateGroup:
        given = _given(self)
        group_id = plain_id(given.pop("id"), "DeviceGroup")
        return asked.UpdateGroup.of(group_id=group_id, **given)


@strawberry.input
class AddDevicesToGroupInput:
    group_id: strawberry.ID
    device_ids: list[strawberry.ID]

    def command(self) -> asked.ChangeMembers:
        group_id = plain_id(self.group_id, "DeviceGroup")
        return asked.ChangeMembers.of(group_id=group_id, devices=_keys(self.device_ids))


@strawberry.input
class RemoveDevicesFromGroupInput(AddDevicesToGroupInput):
    pass


@strawberry.input
class SetDeviceConfigInput:
    device_id: strawberry.ID
    document: JSON
    merge: bool = strawberry.field(
        default=True, description="Into what is desired now (RFC 7386), else instead of it"
    )
    push: bool = True
    note: str | None = None
    expected_version: int | None = None
    details: JSON | None = strawberry.field(
        default=None, description="An object, kept with the version"
    )
    renew: bool = strawberry.field(
        default=False, description="A version even where nothing changes"
    )

    def command(self) -> asked.SetConfiguration:
        given = vars(self) | {"device": device_key(self.device_id)}
        del given["device_id"]
        return asked.SetConfiguration.of(**given)


@strawberry.input
class ReportDeviceConfigInput:
    device_id: strawberry.ID
    version: int
    document: JSON
    error: str | None = None

    def command(self) -> asked.ReportConfiguration:
        given = vars(self) | {"device": device_key(self.device_id)}
        del given["device_id"]
        return asked.ReportConfiguration.of(**given)


@strawberry.input
class DeviceHeartbeatInput:
    device_id: strawberry.ID
    status: str | None = None
    queue_size: float | None = None
    firmware_version: str | None = None

    def command(self) -> asked.Heartbeat:
        given = vars(self) | {"device": device_key(self.device_id)}
        del given["device_id"]
        return asked.Heartbeat.of(**given)


@strawberry.input
class NewLogInput:
    message: str
    level: LogLevel = LogLevel.INFO
    source: str | None = None
    logged_at: Timestamp | None = None


@strawberry.input
class RecordDeviceLogsInput:
    device_id: strawberry.ID
    entries: list[NewLogInput]

    def command(self) -> asked.RecordLogs:
        entries = tuple(
            asked.NewLog.of(
                message=entry.message,
                level=entry.level,
                source=entry.source,
                logged_at_us=entry.logged_at,
            )
            for entry in self.entries
        )
        return asked.RecordLogs.of(device=device_key(self.device_id), entries=entries)


@strawberry.input
class TelemetryPointInput:
    metric: str
    value: float
    measured_at: Timestamp | None = None


@strawberry.input
class RecordTelemetryInput:
    device_id: strawberry.ID
    points: list[TelemetryPointInput]

    def command(self) -> asked.RecordTelemetry:
        points = tuple(
            asked.NewPoint.of(
                metric=point.metric, value=point.value, measured_at_us=point.measured_at
            )
            for point in self.points
        )
        return asked.RecordTelemetry.of(device=device_key(self.device_id), points=points)


@strawberry.input(description="Of WARNING or more: it asks for attention until acknowledged")
class RecordDeviceAlertInput:
    device_id: strawberry.ID
    message: str
    severity: Severity = Severity.WARNING
    data: JSON | None = None

    def command(self) -> asked.RecordDeviceAlert:
        return asked.RecordDeviceAlert.of(
            device=device_key(self.device_id),
            message=self.message,
            severity=self.severity,
            data=self.data,
        )


@strawberry.input(description="Only what is given changes")
class SetFleetConnectionSettingsInput:
    default_mode: ConnectionMode | None = None
    allow_device_override: bool | None = None
    cloud_sync_enabled: bool | None = None

    def command(self) -> asked.SetConnectionSettings:
        return asked.SetConnectionSettings.of(**vars(self))


@strawberry.input
class DeviceFilterInput:
    kind: DeviceKind | None = None
    status: DeviceStatus | None = None
    enabled: bool | None = None
    line_id: str | None = None
    location: str | None = None
    place: str | None = strawberry.field(
        default=None, description="A location, or what one begins with up to a ' - '"
    )
    manufacturer: str | None = None
    group_id: strawberry.ID | None = None
    search: str | None = strawberry.field(
        default=None, description="Part of the identifier or the name"
    )

    def wanted(self) -> asked.DeviceFilter:
        group_id = filter_id(self.group_id, "DeviceGroup")
        return asked.DeviceFilter(**(vars(self) | {"group_id": group_id}))


@strawberry.input
class CommandFilterInput:
    status: CommandState | None = None
    type: CommandType | None = None
    bulk_id: strawberry.ID | None = None

    def wanted(self, device_id: str | None) -> asked.CommandFilter:
        bulk_id = filter_id(self.bulk_id, "BulkCommand")
        return asked.CommandFilter(device_id, self.status, self.type, bulk_id)


@strawberry.input
class DeviceLogFilterInput:
    level: LogLevel | None = None
    source: str | None = None
    logged_from: Timestamp | None = None
    logged_to: Timestamp | None = None

    def wanted(self) -> asked.LogFilter:
        return asked.LogFilter(self.level, self.source, self.logged_from, self.logged_to)

"""Rows of fleet as the repository returns them and every face presents them.

Times in microseconds; `attributes`, `arguments`, `result`, `document` and `details` are JSON
texts."""

from typing import Any, NamedTuple

from domain.fleet.models import (
    CommandState,
    CommandType,
    DeviceKind,
    DeviceStatus,
    ExecutionState,
    LogLevel,
)
from domain.kernel.eventlog import LogRow as Fact
from domain.sync.models import ConnectionMode


class DeviceRow(NamedTuple):
    id: str
    identifier: str
    number: int
    name: str
    kind: DeviceKind
    status: DeviceStatus
    status_reason: str | None
    status_at_us: int
    told: DeviceStatus | None
    reported: DeviceStatus
    alive: bool
    enabled: bool
    line_id: str | None
    location: str | None
    manufacturer: str | None
    model: str | None
    connection_mode: ConnectionMode | None
    firmware_version: str | None
    last_heartbeat_at_us: int | None
    queue_size: int
    attributes: str
    revision: int
    created_at_us: int
    updated_at_us: int
    removed_at_us: int | None
    # Facts from before this was known have none.
    last_seen_at_us: int | None = None


class TokenSubject(NamedTuple):
    """What a device's token is made of and checked against."""

    id: str
    identifier: str
    customer_id: int
    customer_public_id: str
    token_generation: int


class StatusChangeRow(NamedTuple):
    id: str
    device_id: str
    status: DeviceStatus
    previous: DeviceStatus
    reason: str | None
    actor: str
    at_us: int
    details: str | None = None


class GroupRow(NamedTuple):
    id: str
    name: str
    description: str | None
    created_at_us: int
    updated_at_us: int


class CommandRow(NamedTuple):
    id: str
    device_id: str
    key: str
    type: CommandType
    arguments: str
    state: CommandState
    timeout_ms: int
    result: str | None
    error_code: str | None
    error: str | None
    actor_id: str
    actor: str
    bulk_id: str | None
    created_at_us: int
    sent_at_us: int | None
    finished_at_us: int | None
    deadline_at_us: int | None
    expires_at_us: int


class Dispatched(NamedTuple):
    """A stored command, whether a device is there to answer it, and whether it is new."""

    command: CommandRow
    awaited: bool
    fresh: bool


class BulkRow(NamedTuple):
    id: str
    group_id: str
    key: str
    type: CommandType
    arguments: str
    actor: str
    created_at_us: int


class DispatchedBulk(NamedTuple):
    """`awaited` are the commands that a device is there to answer."""

    bulk: BulkRow
    awaited: list[str]
    fresh: bool


class ConfigurationRow(NamedTuple):
    """A version of the desired configuration. Version 0 is the empty one before the first."""

    device_id: str
    version: int = 0
    document: str = "{}"
    note: str | None = None
    author: str = ""
    at_us: int = 0
    details: str | None = None


class ReportedRow(NamedTuple):
    device_id: str
    version: int
    document: str
    error: str | None
    at_us: int


class DeviceLogRow(NamedTuple):
    id: str
    device_id: str
    level: LogLevel
    source: str | None
    message: str
    logged_at_us: int
    received_at_us: int


class TelemetryRow(NamedTuple):
    device_id: str
    metric: str
    measured_at_us: int
    value: float


class SeriesRow(NamedTuple):
    """A metric of a device: how many points there were, and the last one."""

    device_id: str
    metric: str
    points: int
    measured_at_us: int
    value: float


class AlertCounts(NamedTuple):
    """What the journal has of a device that asks for attention. `active`: nobody has acknowledged
    it yet. `critical` are those of that severity, active or not."""

    total: int = 0
    active: int = 0
    critical: int = 0


class DeviceOverviewRow(NamedTuple):
    """A device with what is desired of it, what it measured (`recent_points` since a moment) and
    what asks for attention."""

    device: DeviceRow
    configuration: ConfigurationRow
    series: list[SeriesRow]
    recent_points: int
    alerts: AlertCounts

    @property
    def points(self) -> int:
        return sum(one.points for one in self.series)


class DeviceStatisticsRow(NamedTuple):
    """How a customer's present devices are, and what they did from `from_us` to `to_us`.
    `by_location` counts places, see `rules.place_of`; None stands for none given."""

    from_us: int
    to_us: int
    by_kind: dict[DeviceKind, int]
    by_status: dict[DeviceStatus, int]
    by_location: dict[str | None, int]
    by_manufacturer: dict[str | None, int]
    uptime_percent: float | None
    points: int
    new: int
    active: int

    @property
    def total(self) -> int:
        return sum(self.by_status.values())


class ConnectionSettingsRow(NamedTuple):
    default_mode: ConnectionMode = ConnectionMode.VIA_LOCAL_SERVER
    allow_device_override: bool = True
    cloud_sync_enabled: bool = True


class SessionRow(NamedTuple):
    device_id: str
    session_id: str
    process_id: str
    address: str
    since_us: int
    last_seen_at_us: int


class EdgeStateRow(NamedTuple):
    """An edge's own: `config_document` is JSON text, version 0 stands for none."""

    config_version: int = 0
    config_document: str = "{}"
    cloud_sync_enabled: bool = True
    enabled: bool = True
    disabled_reason: str | None = None
    changed_at_us: int = 0


class ExecutionRow(NamedTuple):
    id: str
    type: CommandType
    arguments: str
    state: ExecutionState
    outcome: str | None
    received_at_us: int
    finished_at_us: int | None
    reported_at_us: int | None


def device_of(fact: Fact) -> DeviceRow:
    """The device that a fact carries."""
    data: dict[str, Any] = fact.data["device"]
    told, mode = data["told"], data["connection_mode"]
    return DeviceRow(**data)._replace(
        kind=DeviceKind(data["kind"]),
        status=DeviceStatus(data["status"]),
        told=None if told is None else DeviceStatus(told),
        reported=DeviceStatus(data["reported"]),
        connection_mode=None if mode is None else ConnectionMode(mode),
    )


def settings_of(fact: Fact) -> ConnectionSettingsRow:
    """The connection settings as a fact tells that they became."""
    data = {name: fact.data[name] for name in ConnectionSettingsRow._fields}
    return ConnectionSettingsRow(**data | {"default_mode": ConnectionMode(data["default_mode"])})


def command_of(fact: Fact) -> CommandRow:
    """The command that a fact carries."""
    data: dict[str, Any] = fact.data["command"]
    return CommandRow(**data)._replace(
        type=CommandType(data["type"]), state=CommandState(data["state"])
    )

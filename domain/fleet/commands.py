"""What can be asked of fleet. `device` is a device's id or identifier; times in microseconds."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field, JsonValue, StringConstraints, field_validator

from domain.fleet.models import (
    CommandState,
    CommandType,
    DeviceKind,
    DeviceStatus,
    LogLevel,
)
from domain.fleet.rules import ALERTING, MAX_GROUP
from domain.journal.models import Severity
from domain.kernel.commands import Command
from domain.kernel.filters import Filter
from domain.sync.models import ConnectionMode

Label = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Identifier = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x20\x7f/]+$")
]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00]+$")]
Message = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")]
Metric = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]{1,64}$")]
CommandKey = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")]
Moment = Annotated[int, Field(ge=0, le=2**63 - 1)]
Keys = Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_GROUP)]
JsonObject = dict[str, JsonValue]

MAX_TIMEOUT_MS: Final = 300_000
MAX_REPORT: Final = 1_000


class RegisterDevice(Command):
    identifier: Identifier
    name: Label | None = None
    kind: DeviceKind = DeviceKind.EDGE
    status: DeviceStatus = DeviceStatus.OFFLINE
    enabled: bool = True
    line_id: Label | None = None
    location: Label | None = None
    manufacturer: Label | None = None
    model: Label | None = None
    connection_mode: ConnectionMode | None = None
    firmware_version: Label | None = None
    attributes: JsonObject = Field(default_factory=dict)
    configuration: JsonObject | None = None


class UpdateDevice(Command):
    """Only what is given changes; `attributes` and `configuration` merge (RFC 7386), `status` is
    as `SetDeviceStatus` has it. With `revision` it is refused where somebody else was first."""

    device: str
    name: Label | None = None
    kind: DeviceKind | None = None
    enabled: bool | None = None
    line_id: Label | None = None
    location: Label | None = None
    manufacturer: Label | None = None
    model: Label | None = None
    connection_mode: ConnectionMode | None = None
    firmware_version: Label | None = None
    attributes: JsonObject | None = None
    status: DeviceStatus | None = None
    configuration: JsonObject | None = None
    revision: int | None = None

    def changes(self) -> dict[str, Any]:
        """What was given of its own row as it stands there, null included: null empties what may
        be empty."""
        others = {"device", "attributes", "status", "configuration", "revision"}
        given = self.model_dump(exclude_unset=True, exclude=others)
        required = ("name", "kind", "enabled")
        return {k: v for k, v in given.items() if v is not None or k not in required}


class SetDeviceStatus(Command):
    """`details` are kept with the change, if it is one."""

    device: str
    status: DeviceStatus
    reason: Sentence | None = None
    details: JsonObject | None = None


class Heartbeat(Command):
    """`status` is the device's own word. What is left out stays."""

    device: str
    status: Annotated[str, StringConstraints(max_length=64)] | None = None
    queue_size: Annotated[int, Field(ge=0, le=2**53)] | None = None
    firmware_version: Label | None = None
    connection_mode: ConnectionMode | None = None


class CreateGroup(Command):
    name: Label
    description: Sentence | None = None
    devices: Annotated[tuple[str, ...], Field(max_length=MAX_GROUP)] = ()


class UpdateGroup(Command):
    """Only what is given changes."""

    group_id: str
    name: Label | None = None
    description: Sentence | None = None


class ChangeMembers(Command):
    """All of them or none."""

    group_id: str
    devices: Keys


class DispatchCommand(Command):
    """`key` is the client's id of this command: the same again answers the same record."""

    device: str
    type: CommandType
    arguments: JsonObject = Field(default_factory=dict)
    key: CommandKey | None = None
    timeout_ms: Annotated[int, Field(ge=0, le=MAX_TIMEOUT_MS)] = 15_000


class DispatchGroupCommand(Command):
    group_id: str
    type: CommandType
    arguments: JsonObject = Field(default_factory=dict)
    key: CommandKey | None = None
    timeout_ms: Annotated[int, Field(ge=0, le=MAX_TIMEOUT_MS)] = 15_000


class SetConfiguration(Command):
    """`merge` by RFC 7386 into what is desired now, else instead of it. With `expected_version`
    it is refused where somebody else was first. `details` are kept with the version, which there
    is where nothing changes too with `renew`."""

    device: str
    document: JsonObject
    merge: bool = True
    push: bool = True
    note: Sentence | None = None
    expected_version: int | None = None
    details: JsonObject | None = None
    renew: bool = False


class RollbackConfiguration(Command):
    """The document of an earlier version becomes a new version."""

    device: str
    version: int
    push: bool = True


class ReportConfiguration(Command):
    """What the device runs on. `error` says why it refused `version`."""

    device: str
    version: Annotated[int, Field(ge=0)]
    document: JsonObject = Field(default_factory=dict)
    error: Message | None = None


class NewLog(Command):
    message: Message
    level: LogLevel = LogLevel.INFO
    source: Label | None = None
    logged_at_us: Moment | None = None


class RecordLogs(Command):
    device: str
    entries: Annotated[tuple[NewLog, ...], Field(min_length=1, max_length=MAX_REPORT)]


class NewPoint(Command):
    """Measured now where no time is given."""

    metric: Metric
    value: Annotated[float, Field(allow_inf_nan=False)]
    measured_at_us: Moment | None = None


class RecordTelemetry(Command):
    device: str
    points: Annotated[tuple[NewPoint, ...], Field(min_length=1, max_length=MAX_REPORT)]


class RecordDeviceAlert(Command):
    """Something about a device that asks for attention; it does until it is acknowledged."""

    device: str
    message: Annotated[Message, Field(min_length=1)]
    severity: Severity = Severity.WARNING
    data: JsonObject | None = None

    @field_validator("severity")
    @classmethod
    def _asks_for_attention(cls, value: Severity) -> Severity:
        if value not in ALERTING:
            raise ValueError(f"must be one of {', '.join(ALERTING)}")
        return value


class SetConnectionSettings(Command):
    """Only what is given changes."""

    default_mode: ConnectionMode | None = None
    allow_device_override: bool | None = None
    cloud_sync_enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class DeviceFilter(Filter):
    """Every part that is set must hold. `search` is part of identifier or name; `place` is a
    location, or what one begins with up to a " - "."""

    kind: DeviceKind | None = None
    status: DeviceStatus | None = None
    enabled: bool | None = None
    line_id: str | None = None
    location: str | None = None
    place: str | None = None
    manufacturer: str | None = None
    group_id: str | None = None
    search: str | None = None


@dataclass(frozen=True, slots=True)
class CommandFilter(Filter):
    """`device_id` is a plain id."""

    device_id: str | None = None
    state: CommandState | None = None
    type: CommandType | None = None
    bulk_id: str | None = None


@dataclass(frozen=True, slots=True)
class LogFilter(Filter):
    level: LogLevel | None = None
    source: str | None = None
    logged_from_us: int | None = None
    logged_to_us: int | None = None


@dataclass(frozen=True, slots=True)
class TelemetryFilter(Filter):
    metric: str | None = None
    measured_from_us: int | None = None
    measured_to_us: int | None = None
    limit: int = 500

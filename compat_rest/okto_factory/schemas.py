"""Bodies about devices, groups, configurations and settings, as the OKTO factory API has them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from compat_rest.kernel.fields import INTEGRAL, Body, JsonObject, Moment, without_titles
from compat_rest.kernel.okto.schemas import Answer, Time
from compat_rest.okto_factory.fields import (
    LEFT_OUT,
    DeviceKeys,
    Identifier,
    Label,
    Sentence,
    without_default,
)
from domain.fleet.models import DeviceKind
from domain.sync.models import ConnectionMode

Status = Literal["online", "offline", "warning", "error", "maintenance"]
Mode = Annotated[ConnectionMode, Field(strict=False)]
Kind = Annotated[DeviceKind, Field(strict=False)]


class RegisterDeviceBody(Body):
    identifier: Identifier
    name: Label | None = None
    production_line_id: Label | None = None
    kind: Kind = DeviceKind.EDGE
    connection_mode: Mode | None = None
    location: Label | None = None
    manufacturer: Label | None = None
    model: Label | None = None
    firmware_version: Label | None = None


class UpdateDeviceBody(Body):
    """Only what is given changes; null empties what may be empty. Its identifier stays."""

    name: Label | None = None
    production_line_id: Label | None = None
    kind: Kind | None = None
    enabled: bool | None = None
    connection_mode: Mode | None = None
    location: Label | None = None
    manufacturer: Label | None = None
    model: Label | None = None
    firmware_version: Label | None = None


class HeartbeatBody(Body):
    """`timestamp` is by the device's own clock: the factory goes by its own. `status` is the
    device's word, such as healthy, degraded or error."""

    timestamp: Moment | None = None
    queue_size: Annotated[int, Field(ge=0, le=2**53), INTEGRAL] | None = None
    status: Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")] | None = None
    firmware_version: Label | None = None
    connection_mode: Mode | None = None


class DeviceItem(Answer):
    """`id` is the identifier that people print. `connectionMode` is the way up that it is to take,
    its own or the default one."""

    id: str
    name: str
    status: Status
    last_heartbeat: Time | None
    connection_mode: ConnectionMode


class DeviceDetail(DeviceItem):
    uuid: str
    number: int
    kind: DeviceKind
    status_reason: str | None
    enabled: bool
    production_line_id: str | None
    location: str | None
    manufacturer: str | None
    model: str | None
    firmware_version: str | None
    queue_size: int
    created_at: Time
    updated_at: Time


class ConnectedDevice(Answer):
    """A live WebSocket, whichever process of the factory holds it."""

    device_id: str
    name: str
    session_id: str
    address: str
    connected_at: Time
    last_seen: Time


class DeviceToken(Answer):
    """Opens what is this device's own, and nothing else."""

    device_id: str
    token: str
    expires_at: Time


class LogEntry(Answer):
    id: str
    level: str
    source: str | None
    message: str
    timestamp: Time
    received_at: Time


class LogPage(Answer):
    """`cursor` leads to the next page, null on the last."""

    logs: list[LogEntry]
    cursor: str | None


class CreateGroupBody(Body):
    name: Label
    description: Sentence | None = None
    device_ids: DeviceKeys = Field(default_factory=list)


class UpdateGroupBody(Body):
    """Only what is given changes."""

    name: Label | None = None
    description: Sentence | None = None


class MembersBody(Body):
    device_ids: Annotated[DeviceKeys, Field(min_length=1)]


class Group(Answer):
    id: str
    name: str
    description: str | None
    device_count: int
    created_at: Time
    updated_at: Time


class Added(Answer):
    added: int


class Removed(Answer):
    removed: int


class ConfigBody(Body):
    """Merged into what is desired now (RFC 7386: null removes), or instead of it. `actor` is kept
    with the version; who changed it is the token's subject all the same. With `version` it is
    refused where somebody else was first."""

    config: JsonObject
    push: bool = True
    merge: bool = True
    actor: Label | None = None
    note: Annotated[str, Field(min_length=1, max_length=800, pattern=r"^[^\x00]+$")] | None = None
    version: Annotated[int, Field(ge=0, le=2**31 - 1), INTEGRAL] | None = None


class ReportedConfig(Answer):
    """What the device says it runs on; `error` where it refused that version."""

    version: int
    config: dict[str, Any]
    error: str | None
    reported_at: Time


class DeviceConfig(Answer):
    """What is desired. Version 0 is that of a device for which nothing was set yet."""

    device_id: str
    version: int
    config: dict[str, Any]
    note: str | None
    updated_by: str | None
    updated_at: Time | None
    reported: ReportedConfig | None


def _at_least_one(schema: dict[str, Any]) -> None:
    without_titles(schema)
    schema["minProperties"] = 1


class ConnectionSettingsBody(Body):
    """Only what is given changes, and something has to be."""

    model_config = Body.model_config | {"json_schema_extra": _at_least_one}

    default_mode: Annotated[Mode, Field(json_schema_extra=without_default)] = LEFT_OUT
    allow_device_override: Annotated[bool, Field(json_schema_extra=without_default)] = LEFT_OUT
    cloud_sync_enabled: Annotated[bool, Field(json_schema_extra=without_default)] = LEFT_OUT


class ConnectionSettings(Answer):
    default_mode: ConnectionMode
    allow_device_override: bool
    cloud_sync_enabled: bool


class Overview(Answer):
    """`palletsTodayfalse` is how the old API spells `palletsToday`."""

    devices_online: int
    devices_offline: int
    bottles_today: int
    batches_today: int
    pallets_today: int
    pallets_todayfalse: Annotated[int, Field(alias="palletsTodayfalse")]
    sync_queue_total: int


class AuditEntry(Answer):
    """`entityId` is a device's identifier where the entity is a device. `hash` covers the entry
    and the hash of the one before it."""

    id: str
    timestamp: Time
    actor_kind: Literal["USER", "DEVICE"]
    user_id: str
    username: str
    action: str
    entity_type: str
    entity_id: str
    before: Any
    after: Any
    hash: str

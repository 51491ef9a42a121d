"""Bodies of Valtronics' API, field by field as its clients have them."""

from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic.json_schema import SkipJsonSchema

from compat_rest.kernel.fields import PRINTABLE, JsonObject, without_titles
from compat_rest.valtronics.errors import MANY, ONE

T = TypeVar("T")
Status = Literal["online", "offline", "warning", "error", "maintenance"]
DeviceType = Literal["sensor", "actuator", "gateway", "controller", "monitor", "edge", "scanner"]
"""The five documented ones, and what other systems registered."""
Label = Annotated[str, Field(min_length=1, max_length=128, pattern=PRINTABLE)]
Text = Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""Forms send an empty text for what they leave out."""
Identifier = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x20\x7f/]+$")]
Sentence = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
MAX_MANY: Final = 100


class Given(BaseModel):
    """Unknown fields are ignored: clients send back what they were shown."""

    model_config = ConfigDict(strict=True, json_schema_extra=without_titles)


class DeviceBody(Given):
    name: Label
    device_id: Identifier
    device_type: DeviceType
    manufacturer: Text | None = None
    model: Text | None = None
    firmware_version: Text | None = None
    location: Text | None = None
    status: Status | None = "offline"
    is_active: bool | None = True
    metadata: JsonObject | None = None
    configuration: JsonObject | None = None


class DeviceChanges(Given):
    """Only what is given changes; `metadata` and `configuration` merge (RFC 7386: null removes).
    A device's key stays."""

    name: Label | None = None
    device_type: DeviceType | None = None
    manufacturer: Text | None = None
    model: Text | None = None
    firmware_version: Text | None = None
    location: Text | None = None
    status: Status | None = None
    is_active: bool | None = None
    metadata: JsonObject | None = None
    configuration: JsonObject | None = None


class StatusBody(Given):
    """`metadata` is kept with the change."""

    status: Status
    reason: Sentence | None = None
    metadata: JsonObject | None = None


class ConfigurationBody(Given):
    """Merged into what is configured (RFC 7386: null removes). `metadata` is kept with the
    version: `configured_by` is whom to name for it, `change_reason` says why."""

    configuration: JsonObject
    metadata: JsonObject | None = None


def _one_or_many(given: Any) -> str:
    return MANY if isinstance(given, list) else ONE


Devices = Annotated[list[DeviceBody], Field(min_length=1, max_length=MAX_MANY)]
NewDevices = Annotated[
    Annotated[DeviceBody, Tag(ONE)] | Annotated[Devices, Tag(MANY)], Discriminator(_one_or_many)
]
"""A device; or a list of devices, a bulk operation: all or none."""


class Shown(BaseModel):
    model_config = ConfigDict(json_schema_extra=without_titles)


class Data(Shown, Generic[T]):
    success: Literal[True]
    data: T


class Done(Shown, Generic[T]):
    """With a word for people."""

    success: Literal[True]
    data: T
    message: str


class DeviceItem(Shown):
    """`id` is the number by which paths name a device, `device_id` the key that people gave it."""

    id: int
    name: str
    device_id: str
    device_type: DeviceType
    manufacturer: str | None
    model: str | None
    firmware_version: str | None
    location: str | None
    status: Status
    is_active: bool
    created_at: Time
    updated_at: Time
    last_seen: Time | None


class Device(DeviceItem):
    metadata: dict[str, Any]
    configuration: dict[str, Any]


class Registered(Done[Device | list[Device]]):
    """A list where a list was sent."""


class Deleted(Done[None]):
    pass


class TelemetrySummary(Shown):
    total_data_points: int
    last_24h_points: int
    latest_values: dict[str, float]


class AlertSummary(Shown):
    """`active_alerts` wait for their acknowledgement, `critical_alerts` may not."""

    total_alerts: int
    active_alerts: int
    critical_alerts: int


class DeviceDetails(Device):
    telemetry_summary: TelemetrySummary
    alert_summary: AlertSummary


class StatusItem(Shown):
    id: int
    name: str
    device_id: str
    device_type: DeviceType
    status: Status
    last_seen: Time | None


class Pagination(Shown):
    page: int
    size: int
    total: int
    pages: int
    has_next: bool
    has_prev: bool


class Page(Shown, Generic[T]):
    items: list[T]
    pagination: Pagination


class DeviceStatus(Shown):
    id: int
    status: Status
    updated_at: Time
    last_seen: Time | None


class ConfigurationMetadata(Shown):
    """`config_version` is 1.0 before anything was configured, and goes up by 0.1 each time."""

    last_configured: Time | None
    configured_by: str | None
    config_version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]$")]


class Configuration(Shown):
    """`device_id` is the number here, as in paths."""

    device_id: int
    configuration: dict[str, Any]
    metadata: ConfigurationMetadata


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


Counts = dict[str, int]
MaybeCount = Annotated[int | SkipJsonSchema[None], Field(json_schema_extra=_without_default)]
MaybeCounts = Annotated[Counts | SkipJsonSchema[None], Field(json_schema_extra=_without_default)]


class Statistics(Shown):
    """`uptime_percentage` is of the time range asked for. The figures of a range other than 24
    hours come beside those of 24 hours, each under its own name."""

    total_devices: int
    online_devices: int
    offline_devices: int
    error_devices: int
    warning_devices: int
    devices_by_type: Counts
    devices_by_location: Counts
    devices_by_status: Counts
    devices_by_manufacturer: MaybeCounts = None
    uptime_percentage: float
    data_points_24h: int
    new_devices_24h: int
    active_devices_24h: int
    data_points_1h: MaybeCount = None
    new_devices_1h: MaybeCount = None
    active_devices_1h: MaybeCount = None
    data_points_7d: MaybeCount = None
    new_devices_7d: MaybeCount = None
    active_devices_7d: MaybeCount = None
    data_points_30d: MaybeCount = None
    new_devices_30d: MaybeCount = None
    active_devices_30d: MaybeCount = None

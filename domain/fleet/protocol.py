"""What a device and its factory say to each other on `/ws/device`.

Text frames, each one JSON object with a `type`, names in camelCase. A frame of a type that the
reader does not know is ignored, and so is a field it does not know: either side may be newer.
What a known type requires must be there. The device speaks first (`hello`), the factory answers
`welcome`; a factory that does not speak the device's version ends the session with 4400.

Delivery is at least once in both directions: the factory sends an open command again at every
connection until its result is stored, the device sends a result again until it is `recorded`.
"""

from typing import Annotated, Any, Final, Literal, TypeVar, Union

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from domain.fleet.commands import Message, NewLog, NewPoint
from domain.fleet.models import CommandType
from domain.kernel.errors import ValidationFailed
from domain.kernel.ids import PLAIN
from domain.sync.models import ConnectionMode

VERSION: Final = 1
MAX_FRAME: Final = 512 * 1024
"""Characters: a document of 64 KB, escaped, and a page of log entries fit."""

REPLACED: Final = 4409
UNAUTHORIZED: Final = 4401
MALFORMED: Final = 4400
SILENT: Final = 4408
SLOW: Final = 1013
STOPPING: Final = 1001

PlainId = Annotated[str, Field(pattern=f"^{PLAIN.pattern}$")]
Short = Annotated[str, Field(max_length=128)]


class Frame(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )

    def text(self) -> str:
        return self.model_dump_json(by_alias=True, exclude_none=True)


# From the factory


class Welcome(Frame):
    """`heartbeat_s` is how often the device has to speak at least."""

    type: Literal["welcome"] = "welcome"
    protocol: int = VERSION
    session_id: PlainId
    device_id: PlainId
    heartbeat_s: Annotated[float, Field(gt=0)]


class CommandFrame(Frame):
    """`id` names it for ever: a device that knows it already answers what it answered."""

    type: Literal["command"] = "command"
    id: PlainId
    command: CommandType
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    timeout_ms: Annotated[int, Field(ge=0)]


class ConfigFrame(Frame):
    type: Literal["config"] = "config"
    version: Annotated[int, Field(ge=0)]
    document: dict[str, JsonValue]


class ConnectionFrame(Frame):
    """How all edges of this factory reach the cloud: told at every connection and whenever it
    changes. An edge keeps a mode of its own only while `allow_device_override`."""

    type: Literal["connection"] = "connection"
    default_mode: ConnectionMode
    allow_device_override: bool
    cloud_sync_enabled: bool


class RecordedFrame(Frame):
    """The result of this command is stored: it need not be sent again."""

    type: Literal["recorded"] = "recorded"
    id: PlainId


class PingFrame(Frame):
    type: Literal["ping"] = "ping"


# From the device


class Hello(Frame):
    """`config_version` is the version of the configuration it runs on, 0 for none."""

    type: Literal["hello"] = "hello"
    protocol: int
    software: Short | None = None
    firmware_version: Short | None = None
    connection_mode: ConnectionMode | None = None
    queue_size: Annotated[int, Field(ge=0, le=2**53)] | None = None
    status: Short | None = None
    config_version: Annotated[int, Field(ge=0)] = 0
    capabilities: tuple[Short, ...] = Field(default=(), max_length=64)


class HeartbeatFrame(Frame):
    type: Literal["heartbeat"] = "heartbeat"
    status: Short | None = None
    queue_size: Annotated[int, Field(ge=0, le=2**53)] | None = None
    firmware_version: Short | None = None
    connection_mode: ConnectionMode | None = None


class AckFrame(Frame):
    """The device has the command on its own disk."""

    type: Literal["ack"] = "ack"
    id: PlainId


class FailureBody(Frame):
    code: Short
    message: Message


class ResultFrame(Frame):
    """Succeeded exactly where there is no `error`."""

    type: Literal["result"] = "result"
    id: PlainId
    result: JsonValue = None
    error: FailureBody | None = None


class LogFrame(Frame):
    """`NewLog` in camelCase."""

    type: Literal["log"] = "log"
    entries: Annotated[tuple["LogEntry", ...], Field(min_length=1, max_length=1000)]


class TelemetryFrame(Frame):
    type: Literal["telemetry"] = "telemetry"
    points: Annotated[tuple["Point", ...], Field(min_length=1, max_length=1000)]


class ConfigReportFrame(Frame):
    type: Literal["config_report"] = "config_report"
    version: Annotated[int, Field(ge=0)]
    document: dict[str, JsonValue] = Field(default_factory=dict)
    error: Message | None = None


class PongFrame(Frame):
    type: Literal["pong"] = "pong"


class LogEntry(NewLog):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, populate_by_name=True)


class Point(NewPoint):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, populate_by_name=True)


FactoryFrame = Annotated[
    Union[  # noqa: UP007
        Welcome, CommandFrame, ConfigFrame, ConnectionFrame, RecordedFrame, PingFrame
    ],
    Field(discriminator="type"),
]
DeviceFrame = Annotated[
    Union[  # noqa: UP007
        Hello,
        HeartbeatFrame,
        AckFrame,
        ResultFrame,
        LogFrame,
        TelemetryFrame,
        ConfigReportFrame,
        PongFrame,
    ],
    Field(discriminator="type"),
]
F = TypeVar("F")
_FACTORY: Final[TypeAdapter[Any]] = TypeAdapter(FactoryFrame)
_DEVICE: Final[TypeAdapter[Any]] = TypeAdapter(DeviceFrame)
_FACTORY_TYPES: Final = frozenset(
    {"welcome", "command", "config", "connection", "recorded", "ping"}
)
_DEVICE_TYPES: Final = frozenset(
    {"hello", "heartbeat", "ack", "result", "log", "telemetry", "config_report", "pong"}
)


def from_device(text: str) -> Frame | None:
    """None for a type that this side does not know. Raises ValidationFailed."""
    return _read(_DEVICE, _DEVICE_TYPES, text)


def from_factory(text: str) -> Frame | None:
    """None for a type that this side does not know. Raises ValidationFailed."""
    return _read(_FACTORY, _FACTORY_TYPES, text)


def _read(adapter: TypeAdapter[Any], known: frozenset[str], text: str) -> Frame | None:
    if len(text) > MAX_FRAME:
        raise ValidationFailed("frame", f"longer than {MAX_FRAME} characters")
    try:
        found = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        raise ValidationFailed("frame", "not JSON") from None
    name = found.get("type") if isinstance(found, dict) else None
    if not isinstance(name, str):
        raise ValidationFailed("type", "a frame is an object with a type")
    if name not in known:
        return None
    try:
        frame: Frame = adapter.validate_python(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ValidationFailed(field, first["msg"]) from None
    return frame

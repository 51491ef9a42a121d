"""The WebSockets of the dialects, and what is said on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, get_args

from pydantic import BaseModel

from compat_rest.kernel import websockets
from compat_rest.kernel.messages import FirstMessage
from compat_rest.okto_edge import messages as edge
from compat_rest.okto_factory import device_ws
from compat_rest.okto_factory import messages as dashboard
from compat_rest.valtronics import messages as valtronics
from domain.fleet import protocol

Models = tuple[type[BaseModel], ...]
Parameters = Mapping[str, dict[str, Any]]
STREAM_CODES: Final = {
    str(websockets.BAD_CURSOR): "`after` is no cursor of this log",
    str(websockets.UNAUTHORIZED): "no token, or one that is not valid, or no longer",
    str(websockets.FORBIDDEN): "the caller may not read this stream",
    str(websockets.GAP): "the log no longer reaches back to `after`",
    str(websockets.SLOW): "the reader is too slow, and the reason names the cursor to go on from, "
    "or the service can take nobody now: come back",
    "1001": "the service is stopping",
}
DEVICE_CODES: Final = {
    str(protocol.MALFORMED): "a frame that is none, or another version of the protocol",
    str(protocol.UNAUTHORIZED): "no token, or one that is not valid, or no longer",
    str(websockets.FORBIDDEN): "the token is no device's",
    str(protocol.SILENT): "nothing was heard for three heartbeats",
    str(protocol.REPLACED): "a newer session of this device took over",
    str(protocol.SLOW): "the device takes nothing, or the service can take none now: come back",
    str(protocol.STOPPING): "the service is stopping, or its storage is away: come back",
}
AFTER: Final[Parameters] = {
    "after": {
        "type": "string",
        "description": "A `cursor` of an earlier message: what came since is sent first, then the "
        "stream goes on live. Empty starts now. With it every message has its `cursor`.",
    },
}
INTERVAL: Final[Parameters] = {
    "intervalMs": {
        "type": "integer",
        "minimum": 250,
        "maximum": 60_000,
        "default": 1000,
        "description": "How often the metrics come",
    },
}


@dataclass(frozen=True, slots=True)
class Socket:
    """One path: what the service sends, and what it hears besides a token. `channel` names it."""

    channel: str
    path: str
    sent: Models
    heard: Models = ()
    tells: str = "What happened, one message each"
    hears: str = ""
    codes: Mapping[str, str] = field(default_factory=lambda: STREAM_CODES)
    parameters: Parameters = field(default_factory=lambda: AFTER)

    @property
    def models(self) -> Models:
        return (*self.sent, *self.heard, FirstMessage)


def _frames(union: Any) -> Models:
    """All of an annotated union, so that none is forgotten."""
    models: Models = get_args(get_args(union)[0])
    return models


EDGE: Final = (Socket("stream", edge.PATH, edge.MESSAGES),)
VALTRONICS: Final = (Socket("stream", valtronics.PATH, valtronics.MESSAGES),)
FACTORY: Final = (
    Socket(
        "dashboard",
        dashboard.PATH,
        dashboard.MESSAGES,
        parameters={**AFTER, **INTERVAL},
    ),
    Socket(
        "device",
        device_ws.PATH,
        _frames(protocol.FactoryFrame),
        _frames(protocol.DeviceFrame),
        tells="What the device is to do, and what of its words is stored",
        hears="How the device is and what became of its commands; `hello` comes first",
        codes=DEVICE_CODES,
        parameters={},
    ),
)

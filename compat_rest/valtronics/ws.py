"""/ws of Valtronics' API: how devices are and what they are configured as, as it changes."""

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, WebSocket

from compat_rest.kernel.websockets import LegacyStream, serve_stream
from compat_rest.valtronics.auth import READ
from compat_rest.valtronics.messages import PATH
from domain.fleet import events
from domain.identity.mappings import VALTRONICS
from domain.kernel.clock import iso
from domain.kernel.eventlog import LogRow

router = APIRouter()
Message = dict[str, Any]


def _status(row: LogRow) -> Message:
    return {
        "type": "device_status_update",
        "device_id": row.data["device"]["number"],
        "old_status": row.data["previous"].lower(),
        "new_status": row.data["status"].lower(),
        "timestamp": iso(row.occurred_at_us),
        "reason": row.data["reason"],
    }


def _configuration(row: LogRow) -> Message | None:
    """None where nothing is otherwise than before, and for facts that do not name the device, from
    before they did."""
    if not row.data.get("changed"):
        return None
    return {
        "type": "device_config_update",
        "device_id": row.data["device"]["number"],
        "configuration": row.data["changed"],
        "timestamp": iso(row.occurred_at_us),
    }


_PRESENTERS: Final[dict[str, Callable[[LogRow], Message | None]]] = {
    events.DEVICE_STATUS_CHANGED: _status,
    events.CONFIGURATION_SET: _configuration,
}


def message(row: LogRow) -> Message | None:
    present = _PRESENTERS.get(row.kind)
    return None if present is None else present(row)


STREAM: Final = LegacyStream("valtronics", tuple(sorted(VALTRONICS[READ])), message)


@router.websocket(PATH)
async def device_updates(socket: WebSocket) -> None:
    await serve_stream(socket, STREAM)

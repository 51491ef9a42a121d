"""/ws/dashboard of the factory: devices, figures and the journal, as they happen."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Final

from fastapi import APIRouter, WebSocket
from starlette.datastructures import QueryParams

from compat_rest.kernel.okto.presenter import event
from compat_rest.kernel.websockets import LegacyStream, serve_stream
from compat_rest.okto_factory import presenter
from compat_rest.okto_factory.messages import PATH
from domain.fleet import events as fleet
from domain.fleet.rows import device_of
from domain.journal import events as journal
from domain.kernel.errors import ValidationFailed
from domain.kernel.eventlog import LogRow
from domain.kernel.permissions import Permission
from domain.production.rows import OverviewRow
from graph.context import Context
from graph.production import resolvers

router = APIRouter()
Message = dict[str, Any]
INTERVAL: Final = "intervalMs"
INTERVAL_MS: Final = "1000"


def _status(row: LogRow) -> Message:
    device = device_of(row)
    shown = {"deviceId": device.identifier, "status": presenter.status(device)}
    return {"type": "device_status", "data": shown}


def _event(row: LogRow) -> Message:
    return {"type": "event", "data": event(journal.event_of(row.data))}


_PRESENTERS: dict[str, Callable[[LogRow], Message]] = {
    fleet.DEVICE_STATUS_CHANGED: _status,
    journal.RECORDED: _event,
}


def message(row: LogRow) -> Message | None:
    present = _PRESENTERS.get(row.kind)
    return None if present is None else present(row)


def figures(context: Context, asked: QueryParams) -> AsyncGenerator[Message, None]:
    """Raises ValidationFailed for an interval that is none."""
    given = asked.get(INTERVAL, INTERVAL_MS)
    if not (given.isascii() and given.isdigit() and len(given) <= len("60000")):
        raise ValidationFailed(INTERVAL, "must be a number of milliseconds")
    return _messages(resolvers.metrics(context, int(given)))


async def _messages(
    overviews: AsyncGenerator[OverviewRow, None],
) -> AsyncGenerator[Message, None]:
    async with aclosing(overviews):
        async for row in overviews:
            yield {"type": "metrics", "data": presenter.metrics(row)}


STREAM: Final = LegacyStream(
    "okto-factory",
    (
        Permission.FLEET_DEVICE_READ,
        Permission.JOURNAL_EVENT_READ,
        Permission.PRODUCTION_BOTTLE_READ,
    ),
    message,
    figures,
)


@router.websocket(PATH)
async def dashboard(socket: WebSocket) -> None:
    await serve_stream(socket, STREAM)

"""/ws of the edge: scans, batches, sync and the journal, as they happen."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, WebSocket

from compat_rest.kernel.okto.presenter import event
from compat_rest.kernel.websockets import LegacyStream, serve_stream
from compat_rest.okto_edge import presenter
from compat_rest.okto_edge.messages import PATH
from domain.journal import events as journal
from domain.kernel.eventlog import LogRow
from domain.kernel.permissions import Permission
from domain.production import events as production
from domain.production.rows import ScanRow
from domain.sync import events as sync

router = APIRouter()
Message = dict[str, Any]


def _scan(row: LogRow) -> Message:
    return {"type": "scan", "data": presenter.recent_scan(ScanRow(**row.data["scan"]))}


def _batch(action: str) -> Callable[[LogRow], Message]:
    return lambda row: {"type": "batch", "data": {"action": action, "batchId": row.key}}


def _sync(status: str) -> Callable[[LogRow], Message]:
    def present(row: LogRow) -> Message:
        shown = {"status": status, "synced": row.data.get("synced", 0)}
        return {"type": "sync", "data": shown}

    return present


def _event(row: LogRow) -> Message:
    return {"type": "event", "data": event(journal.event_of(row.data))}


_PRESENTERS: dict[str, Callable[[LogRow], Message]] = {
    production.SCAN_RECORDED: _scan,
    production.SCAN_CHECKED: _scan,
    production.BATCH_CREATED: _batch("created"),
    production.BATCH_FILLED: _batch("updated"),
    production.BATCH_EMPTIED: _batch("updated"),
    production.BATCH_COMPLETED: _batch("completed"),
    production.BATCH_DISAGGREGATED: _batch("disaggregated"),
    journal.RECORDED: _event,
    sync.STARTED: _sync("started"),
    sync.COMPLETED: _sync("completed"),
    sync.FAILED: _sync("failed"),
}


def message(row: LogRow) -> Message | None:
    present = _PRESENTERS.get(row.kind)
    return None if present is None else present(row)


STREAM = LegacyStream("okto-edge", (Permission.PRODUCTION_SCAN_READ,), message)


@router.websocket(PATH)
async def stream(socket: WebSocket) -> None:
    await serve_stream(socket, STREAM)

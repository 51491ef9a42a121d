"""Deliveries, live."""

from collections.abc import Mapping
from typing import Any

from domain.kernel.eventlog import LogRow
from domain.kernel.permissions import Permission
from domain.sync import events
from graph.context import Context
from graph.scalars import Timestamp
from graph.streams import StreamSource
from graph.sync.types import SyncStreamItem

_KINDS = frozenset({events.STARTED, events.COMPLETED, events.FAILED})


def _sync(row: LogRow, _arguments: Mapping[str, Any], context: Context) -> SyncStreamItem | None:
    if row.kind not in _KINDS or row.customer_id != context.customer_id:
        return None
    return SyncStreamItem(
        cursor=context.services.tail.cursor(row.seq),
        status=row.data["status"],
        synced=row.data["synced"],
        failed=row.data["failed"],
        remaining=row.data["remaining"],
        error=row.data.get("error"),
        at=Timestamp(row.occurred_at_us),
    )


def _may_read(context: Context) -> None:
    context.actor.require(Permission.SYNC_CONNECTION_READ)


SOURCES = (StreamSource("sync", _may_read, _sync),)

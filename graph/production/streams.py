"""Streams of production: facts of the log as the subscriptions' root values."""

from collections.abc import Mapping
from typing import Any

from domain.kernel.eventlog import LogRow
from domain.kernel.permissions import Permission
from domain.production import events
from domain.production.rows import (
    BatchRow,
    BottleRow,
    BufferBatchRow,
    BufferItemRow,
    GatewayRead,
    ScanRow,
)
from graph.context import Context
from graph.pagination import plain_id
from graph.production.buffer_types import (
    BufferAction,
    BufferStreamItem,
    buffer_batch_type,
    buffer_item_type,
)
from graph.production.types import (
    BatchAction,
    BatchStreamItem,
    ScanStreamItem,
    batch_type,
    scan_type,
)
from graph.scalars import Timestamp
from graph.streams import StreamSource

Arguments = Mapping[str, Any]
_BATCH_ACTIONS = {
    events.BATCH_CREATED: BatchAction.CREATED,
    events.BATCH_FILLED: BatchAction.BOTTLES_ADDED,
    events.BATCH_EMPTIED: BatchAction.BOTTLES_REMOVED,
    events.BATCH_COMPLETED: BatchAction.COMPLETED,
    events.BATCH_DISAGGREGATED: BatchAction.DISAGGREGATED,
}

_BUFFER_ACTIONS = {
    events.BUFFER_LOADED: BufferAction.LOADED,
    events.BUFFER_CONSUMED: BufferAction.CONSUMED,
    events.BUFFER_CLEARED: BufferAction.CLEARED,
}


def scan_rows(row: LogRow) -> tuple[ScanRow, BottleRow | None, GatewayRead | None]:
    """What the fact of a scan carries."""
    bottle, gateway = row.data["bottle"], row.data.get("gateway")
    return (
        ScanRow(**row.data["scan"]),
        BottleRow(**bottle) if bottle else None,
        GatewayRead(**gateway) if gateway else None,
    )


def _scan(row: LogRow, arguments: Arguments, context: Context) -> ScanStreamItem | None:
    if row.kind not in events.SCAN_KINDS or row.customer_id != context.customer_id:
        return None
    line_id = arguments.get("line_id")
    if line_id is not None and row.key != line_id:
        return None
    cursor = context.services.tail.cursor(row.seq)
    return ScanStreamItem(cursor=cursor, scan=scan_type(*scan_rows(row)))


def _batch(row: LogRow, arguments: Arguments, context: Context) -> BatchStreamItem | None:
    action = _BATCH_ACTIONS.get(row.kind)
    if action is None or row.customer_id != context.customer_id:
        return None
    batch = BatchRow(**row.data["batch"])
    line_id = arguments.get("line_id")
    if line_id is not None and batch.line_id != line_id:
        return None
    cursor = context.services.tail.cursor(row.seq)
    return BatchStreamItem(cursor=cursor, action=action, batch=batch_type(batch))


def _buffer(row: LogRow, arguments: Arguments, context: Context) -> BufferStreamItem | None:
    action = _BUFFER_ACTIONS.get(row.kind)
    if action is None or row.customer_id != context.customer_id:
        return None
    batch, item = BufferBatchRow(**row.data["batch"]), row.data.get("item")
    key = arguments.get("batch_identifier")
    if key is not None and plain_id(key, "Batch") not in (batch.id, batch.identifier):
        return None
    return BufferStreamItem(
        cursor=context.services.tail.cursor(row.seq),
        action=action,
        at=Timestamp(row.occurred_at_us),
        batch=buffer_batch_type(batch),
        added=row.data.get("added"),
        item=None if item is None else buffer_item_type(BufferItemRow(**item)),
    )


def _may_read_scans(context: Context) -> None:
    context.actor.require(Permission.PRODUCTION_SCAN_READ)
    context.actor.require(Permission.PRODUCTION_BOTTLE_READ)


def _may_read_batches(context: Context) -> None:
    context.actor.require(Permission.PRODUCTION_BATCH_READ)


def _may_read_the_buffer(context: Context) -> None:
    context.actor.require(Permission.PRODUCTION_BUFFER_READ)


SOURCES = (
    StreamSource("scans", _may_read_scans, _scan),
    StreamSource("batches", _may_read_batches, _batch),
    StreamSource("buffer", _may_read_the_buffer, _buffer),
)

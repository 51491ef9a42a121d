"""The journal, live."""

from collections.abc import Mapping
from typing import Any

from domain.journal import events
from domain.kernel.eventlog import LogRow
from domain.kernel.permissions import Permission
from graph.context import Context
from graph.journal.types import EventStreamItem, event_type
from graph.streams import StreamSource

# An acknowledgement comes as the event that it has become.
_KINDS = frozenset({events.RECORDED, events.ACKNOWLEDGED})


def _event(row: LogRow, arguments: Mapping[str, Any], context: Context) -> EventStreamItem | None:
    if row.kind not in _KINDS or row.customer_id != context.customer_id:
        return None
    for name in ("severity", "category"):
        wanted = arguments.get(name)
        if wanted is not None and row.data[name] != wanted:
            return None
    cursor = context.services.tail.cursor(row.seq)
    return EventStreamItem(cursor=cursor, event=event_type(events.event_of(row.data)))


def _may_read(context: Context) -> None:
    context.actor.require(Permission.JOURNAL_EVENT_READ)


SOURCES = (StreamSource("events", _may_read, _event),)

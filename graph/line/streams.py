"""Streams of the line: facts of the log as the subscriptions' root values."""

from collections.abc import Mapping
from typing import Any

from domain.kernel.eventlog import LogRow
from domain.kernel.permissions import Permission
from domain.line.alarms import events
from graph.context import Context
from graph.line.alarm_types import AlarmStreamItem, alarm_type
from graph.streams import StreamSource


def _alarm(row: LogRow, arguments: Mapping[str, Any], context: Context) -> AlarmStreamItem | None:
    if row.stream != events.STREAM or row.customer_id != context.customer_id:
        return None
    wanted = arguments.get("source")
    if wanted is not None and row.data["alarm"]["source"] != wanted:
        return None
    return AlarmStreamItem(
        cursor=context.services.tail.cursor(row.seq),
        alarm=alarm_type(events.alarm_of(row.data)),
        previous_state=events.previous_of(row.data),
    )


def _may_read_alarms(context: Context) -> None:
    context.actor.require(Permission.LINE_ALARM_READ)


SOURCES = (StreamSource("alarms", _may_read_alarms, _alarm),)

"""Streams of gateways: facts of the log as the subscription's root values."""

from collections.abc import Mapping
from typing import Any

from domain.gateways import events
from domain.gateways.models import Connectivity
from domain.gateways.rows import gateway_of
from domain.gateways.rules import plain_id
from domain.kernel.eventlog import LogRow
from domain.kernel.permissions import Permission
from graph.context import Context
from graph.gateways.inputs import gateway_key
from graph.gateways.types import GatewayStreamItem, gateway_type
from graph.scalars import Timestamp
from graph.streams import StreamSource

Arguments = Mapping[str, Any]


def _gateway(row: LogRow, arguments: Arguments, context: Context) -> GatewayStreamItem | None:
    if row.kind not in events.GATEWAY_FACTS or row.customer_id != context.customer_id:
        return None
    found = gateway_of(row)
    wanted = arguments.get("gateway_id")
    if wanted is not None:
        key = gateway_key(wanted)
        if (plain_id(key) or key) not in (found.id, found.thing_name, found.serial):
            return None
    previous = row.data.get("previous")
    return GatewayStreamItem(
        cursor=context.services.tail.cursor(row.seq),
        gateway=gateway_type(found),
        previous_connectivity=None if previous is None else Connectivity(previous),
        at=Timestamp(row.occurred_at_us),
    )


def _may_read(context: Context) -> None:
    context.actor.require(Permission.FLEET_DEVICE_READ)


SOURCES = (StreamSource("gateways", _may_read, _gateway),)

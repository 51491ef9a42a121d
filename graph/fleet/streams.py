"""Streams of fleet: facts of the log as the subscriptions' root values."""

from collections.abc import Mapping
from typing import Any

import orjson

from domain.fleet import events
from domain.fleet.models import DeviceStatus
from domain.fleet.rows import command_of, device_of
from domain.kernel.eventlog import LogRow
from domain.kernel.permissions import Permission
from graph.context import Context
from graph.fleet.configuration_types import DeviceConfigStreamItem
from graph.fleet.inputs import device_key
from graph.fleet.types import (
    CommandStreamItem,
    DeviceStatusStreamItem,
    command_type,
    device_type,
)
from graph.pagination import global_id
from graph.scalars import Timestamp
from graph.streams import StreamSource

Arguments = Mapping[str, Any]


def _is_wanted(arguments: Arguments, device_id: str, identifier: str) -> bool:
    wanted = arguments.get("device_id")
    return wanted is None or device_key(wanted) in (device_id, identifier)


def _status(row: LogRow, arguments: Arguments, context: Context) -> DeviceStatusStreamItem | None:
    if row.kind != events.DEVICE_STATUS_CHANGED or row.customer_id != context.customer_id:
        return None
    if not _is_wanted(arguments, row.key, row.data["device"]["identifier"]):
        return None
    return DeviceStatusStreamItem(
        cursor=context.services.tail.cursor(row.seq),
        device=device_type(device_of(row)),
        status=DeviceStatus(row.data["status"]),
        previous_status=DeviceStatus(row.data["previous"]),
        reason=row.data["reason"],
        at=Timestamp(row.occurred_at_us),
    )


def _config(row: LogRow, arguments: Arguments, context: Context) -> DeviceConfigStreamItem | None:
    if row.kind != events.CONFIGURATION_SET or row.customer_id != context.customer_id:
        return None
    # Facts from before devices were named in them cannot be told.
    device = row.data.get("device")
    if device is None or not _is_wanted(arguments, row.key, device["identifier"]):
        return None
    return DeviceConfigStreamItem(
        cursor=context.services.tail.cursor(row.seq),
        device_id=global_id("Device", row.key),
        identifier=device["identifier"],
        number=device["number"],
        version=row.data["version"],
        author=row.data["author"],
        document=orjson.loads(row.data["document"]),
        changed=row.data["changed"],
        at=Timestamp(row.occurred_at_us),
    )


def _command(row: LogRow, arguments: Arguments, context: Context) -> CommandStreamItem | None:
    if row.kind not in events.COMMAND_FACTS or row.customer_id != context.customer_id:
        return None
    if not _is_wanted(arguments, row.key, row.data["identifier"]):
        return None
    return CommandStreamItem(
        cursor=context.services.tail.cursor(row.seq),
        command=command_type(command_of(row)),
        at=Timestamp(row.occurred_at_us),
    )


def _may_read_devices(context: Context) -> None:
    context.actor.require(Permission.FLEET_DEVICE_READ)


def _may_read_configurations(context: Context) -> None:
    context.actor.require(Permission.FLEET_CONFIGURATION_READ)


def _may_read_commands(context: Context) -> None:
    context.actor.require(Permission.FLEET_COMMAND_READ)


SOURCES = (
    StreamSource("deviceStatus", _may_read_devices, _status),
    StreamSource("deviceConfig", _may_read_configurations, _config),
    StreamSource("commands", _may_read_commands, _command),
)

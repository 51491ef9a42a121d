"""Queries of fleet: arguments to command, command to resolver, row to type. No logic."""

from functools import partial

import strawberry

from domain.fleet.commands import CommandFilter, DeviceFilter, LogFilter, TelemetryFilter
from domain.fleet.documents import differences
from domain.fleet.rules import StatisticsRange
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import is_id
from domain.kernel.paging import MAX_PAGE, page_request
from graph.context import Context
from graph.fleet import resolvers
from graph.fleet.configuration_types import (
    ConfigurationDifference,
    DeviceConfig,
    DeviceConfiguration,
    configuration_type,
    device_config,
    difference_type,
)
from graph.fleet.figure_types import (
    DeviceStatistics,
    TelemetryPoint,
    statistics_type,
    telemetry_type,
)
from graph.fleet.inputs import (
    CommandFilterInput,
    DeviceFilterInput,
    DeviceLogFilterInput,
    device_key,
)
from graph.fleet.mutations import FleetMutation
from graph.fleet.types import (
    Device,
    DeviceCommand,
    DeviceGroup,
    DeviceLogEntry,
    DeviceSession,
    DeviceStatusChange,
    FleetConnectionSettings,
    command_type,
    connection_settings_type,
    device_type,
    group_type,
    log_type,
    session_type,
    status_change_type,
)
from graph.info import Info
from graph.pagination import (
    Connection,
    connection,
    found,
    list_field,
    plain_id,
    unfiltered_list_field,
)
from graph.scalars import Timestamp

__all__ = ["FleetMutation", "FleetQuery"]


@strawberry.type
class FleetQuery:
    devices = list_field(
        Device,
        DeviceFilterInput,
        DeviceFilter(),
        resolvers.list_devices,
        resolvers.count_devices,
        device_type,
        "Devices of every kind, newest first",
    )

    @strawberry.field(description="By id, identifier or number")
    async def device(
        self,
        info: Info,
        id: strawberry.ID | None = None,
        identifier: str | None = None,
        number: int | None = None,
    ) -> Device | None:
        if sum(value is not None for value in (id, identifier, number)) != 1:
            raise ValidationFailed("id", "give one of id, identifier and number")
        if number is not None:
            row = await resolvers.device_by_number(info.context, number)
        else:
            key = device_key(id) if id is not None else identifier or ""
            row = await resolvers.device(info.context, key)
        return found(row, device_type)

    @strawberry.field(description="How many there are, and what they did")
    async def device_statistics(
        self, info: Info, range: StatisticsRange = StatisticsRange.LAST_DAY
    ) -> DeviceStatistics:
        return statistics_type(await resolvers.device_statistics(info.context, range))

    @strawberry.field(description="Changes of a device's status, newest first")
    async def device_status_history(
        self,
        info: Info,
        device_id: strawberry.ID,
        first: int | None = None,
        after: str | None = None,
    ) -> list[DeviceStatusChange]:
        page = await resolvers.status_history(
            info.context, device_key(device_id), page_request(first, after, None, None)
        )
        return [status_change_type(row) for row in page.rows]

    @strawberry.field(description="Live sockets of devices")
    async def connected_devices(self, info: Info) -> list[DeviceSession]:
        return [session_type(row) for row in await resolvers.connected_devices(info.context)]

    device_groups = unfiltered_list_field(
        DeviceGroup,
        resolvers.list_groups,
        resolvers.count_groups,
        group_type,
        "Groups of devices, newest first",
    )

    @strawberry.field
    async def device_group(self, info: Info, id: strawberry.ID) -> DeviceGroup | None:
        row = await resolvers.group(info.context, plain_id(id, "DeviceGroup"))
        return found(row, group_type)

    @strawberry.field(description="What devices were told to do, newest first")
    async def commands(
        self,
        info: Info,
        device_id: strawberry.ID | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: CommandFilterInput | None = None,
    ) -> Connection[DeviceCommand]:
        plain = None if device_id is None else await _plain_device(info.context, device_id)
        wanted = filter.wanted(plain) if filter else CommandFilter(plain)
        page = await resolvers.list_commands(
            info.context, wanted, page_request(first, after, last, before)
        )
        return connection(
            page, command_type, partial(resolvers.count_commands, info.context, wanted)
        )

    @strawberry.field(description="By id; with the device's also by the id that you gave it")
    async def command(
        self, info: Info, id: strawberry.ID, device_id: strawberry.ID | None = None
    ) -> DeviceCommand | None:
        key = plain_id(id, "DeviceCommand")
        if device_id is None:
            row = await resolvers.command(info.context, key)
        else:
            row = await resolvers.command_of_device(info.context, device_key(device_id), key)
        return found(row, command_type)

    @strawberry.field(description="What is desired of a device, and what it says it is")
    async def device_config(self, info: Info, device_id: strawberry.ID) -> DeviceConfig:
        key = device_key(device_id)
        desired = await resolvers.desired_configuration(info.context, key)
        if desired is None:
            raise NotFound("Configuration", key)
        return device_config(desired, await resolvers.reported_configuration(info.context, key))

    @strawberry.field(description="Newest first; `before` is a version")
    async def device_config_versions(
        self, info: Info, device_id: strawberry.ID, before: int | None = None, first: int = 50
    ) -> list[DeviceConfiguration]:
        limit = _at_most("first", first)
        rows = await resolvers.configuration_versions(
            info.context, device_key(device_id), before, limit
        )
        return [configuration_type(row) for row in rows]

    @strawberry.field(description="Version 0 is the empty one")
    async def device_config_diff(
        self, info: Info, device_id: strawberry.ID, from_version: int, to_version: int
    ) -> list[ConfigurationDifference]:
        before = await _version(info.context, device_key(device_id), from_version)
        after = await _version(info.context, device_key(device_id), to_version)
        return [difference_type(one) for one in differences(before.document, after.document)]

    @strawberry.field(description="What a device logged, newest first")
    async def device_logs(
        self,
        info: Info,
        device_id: strawberry.ID,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: DeviceLogFilterInput | None = None,
    ) -> Connection[DeviceLogEntry]:
        wanted, key = filter.wanted() if filter else LogFilter(), device_key(device_id)
        page = await resolvers.list_logs(
            info.context, key, wanted, page_request(first, after, last, before)
        )
        return connection(page, log_type, partial(resolvers.count_logs, info.context, key, wanted))

    @strawberry.field(description="Measured values of a device, newest first")
    async def telemetry(
        self,
        info: Info,
        device_id: strawberry.ID,
        metric: str | None = None,
        measured_from: Timestamp | None = None,
        measured_to: Timestamp | None = None,
        first: int = 100,
    ) -> list[TelemetryPoint]:
        wanted = TelemetryFilter(metric, measured_from, measured_to, _at_most("first", first))
        rows = await resolvers.telemetry(info.context, device_key(device_id), wanted)
        return [telemetry_type(row) for row in rows]

    @strawberry.field(description="How edges reach the cloud")
    async def fleet_connection_settings(self, info: Info) -> FleetConnectionSettings:
        return connection_settings_type(await resolvers.connection_settings(info.context))


async def _plain_device(context: Context, value: str) -> str:
    """An identifier to the id behind it; an id stays what it is, of a removed device too."""
    key = device_key(value)
    if is_id(key):
        return key
    row = await resolvers.device(context, key)
    return "" if row is None else row.id


async def _version(context: Context, key: str, version: int) -> DeviceConfiguration:
    row = await resolvers.desired_configuration(context, key, version)
    if row is None:
        raise NotFound("Configuration version", str(version))
    return configuration_type(row)


def _at_most(name: str, value: int) -> int:
    if not 0 <= value <= MAX_PAGE:
        raise ValidationFailed(name, f"must be from 0 to {MAX_PAGE}")
    return value

"""Loaders of fleet."""

from collections.abc import Sequence

from strawberry.dataloader import DataLoader

from domain.fleet.repository import alerts, configuration, devices, groups, telemetry
from domain.fleet.rows import (
    AlertCounts,
    ConfigurationRow,
    DeviceRow,
    GroupRow,
    ReportedRow,
    SeriesRow,
)
from domain.fleet.rules import StatisticsRange
from domain.kernel.database import ReadSession
from domain.kernel.permissions import Permission
from graph.context import Context
from graph.loaders import loader


def device_by_id(context: Context) -> DataLoader[str, DeviceRow | None]:
    """Removed ones too."""
    return loader(context, "device_by_id", Permission.FLEET_DEVICE_READ, devices.by_ids)


def groups_by_device(context: Context) -> DataLoader[str, list[GroupRow] | None]:
    return loader(context, "groups_by_device", Permission.FLEET_GROUP_READ, groups.of_devices)


def devices_by_group(context: Context) -> DataLoader[str, list[DeviceRow] | None]:
    context.actor.require(Permission.FLEET_GROUP_READ)
    return loader(context, "devices_by_group", Permission.FLEET_DEVICE_READ, groups.members)


def size_by_group(context: Context) -> DataLoader[str, int | None]:
    return loader(context, "size_by_group", Permission.FLEET_GROUP_READ, groups.sizes)


def desired_by_device(context: Context) -> DataLoader[str, ConfigurationRow | None]:
    permission = Permission.FLEET_CONFIGURATION_READ
    return loader(context, "desired_by_device", permission, configuration.in_force)


def reported_by_device(context: Context) -> DataLoader[str, ReportedRow | None]:
    permission = Permission.FLEET_CONFIGURATION_READ
    return loader(context, "reported_by_device", permission, configuration.reported)


def series_by_device(context: Context) -> DataLoader[str, list[SeriesRow] | None]:
    permission = Permission.FLEET_TELEMETRY_READ
    return loader(context, "series_by_device", permission, telemetry.series)


def recent_points_by_device(
    context: Context, wanted: StatisticsRange
) -> DataLoader[str, int | None]:
    since_us = context.services.clock.now_us() - wanted.duration_us

    async def fetch(
        session: ReadSession, customer_id: int, device_ids: Sequence[str]
    ) -> dict[str, int]:
        return await telemetry.recent_points(session, customer_id, device_ids, since_us)

    name = f"recent_points_by_device {wanted}"
    return loader(context, name, Permission.FLEET_TELEMETRY_READ, fetch)


def alerts_by_device(context: Context) -> DataLoader[str, AlertCounts | None]:
    return loader(context, "alerts_by_device", Permission.FLEET_DEVICE_READ, alerts.counts)

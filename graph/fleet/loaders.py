"""Loaders of fleet."""

from strawberry.dataloader import DataLoader

from domain.fleet.repository import configuration, devices, groups, records
from domain.fleet.rows import ConfigurationRow, DeviceRow, GroupRow, ReportedRow, TelemetryRow
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


def latest_by_device(context: Context) -> DataLoader[str, list[TelemetryRow] | None]:
    permission = Permission.FLEET_TELEMETRY_READ
    return loader(context, "latest_by_device", permission, records.latest)

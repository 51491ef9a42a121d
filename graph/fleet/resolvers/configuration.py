"""Configurations of devices, and how edges reach the cloud."""

from domain.fleet import commands as asked
from domain.fleet.operations import (
    configuration,
)
from domain.fleet.repository import configuration as configurations
from domain.fleet.rows import (
    ConfigurationRow,
    ConnectionSettingsRow,
    ReportedRow,
)
from domain.kernel.actor import ActorKind
from domain.kernel.permissions import Permission
from graph.context import Context
from graph.fleet.access import own_or, present


async def desired_configuration(
    context: Context, key: str, version: int | None = None
) -> ConfigurationRow | None:
    """That version, or the one in force. Raises NotFound for a device that is not there."""
    context.actor.require_known()
    own_or(context, key, Permission.FLEET_CONFIGURATION_READ)
    async with context.read() as session:
        found = await present(session, context, key)
        return await configurations.desired(session, context.customer_id, found.id, version)


async def configuration_versions(
    context: Context, key: str, before: int | None, limit: int
) -> list[ConfigurationRow]:
    """Newest first."""
    context.actor.require(Permission.FLEET_CONFIGURATION_READ)
    async with context.read() as session:
        found = await present(session, context, key)
        return await configurations.versions(session, context.customer_id, found.id, before, limit)


async def reported_configuration(context: Context, key: str) -> ReportedRow | None:
    context.actor.require_known()
    own_or(context, key, Permission.FLEET_CONFIGURATION_READ)
    async with context.read() as session:
        found = await present(session, context, key)
        return (await configurations.reported(session, context.customer_id, [found.id])).get(
            found.id
        )


async def set_configuration(context: Context, command: asked.SetConfiguration) -> ConfigurationRow:
    context.actor.require(Permission.FLEET_CONFIGURATION_WRITE)
    async with context.transaction() as work:
        return await configuration.set_configuration(work, command)


async def rollback_configuration(
    context: Context, command: asked.RollbackConfiguration
) -> ConfigurationRow:
    context.actor.require(Permission.FLEET_CONFIGURATION_WRITE)
    async with context.transaction() as work:
        return await configuration.rollback(work, command)


async def report_configuration(context: Context, command: asked.ReportConfiguration) -> ReportedRow:
    context.actor.require_known()
    own_or(context, command.device, Permission.FLEET_DEVICE_REPORT)
    async with context.transaction() as work:
        return await configuration.report(work, command)


async def connection_settings(context: Context) -> ConnectionSettingsRow:
    """A device may know them: they tell which way it is to go."""
    context.actor.require_known()
    if context.actor.kind is not ActorKind.DEVICE:
        context.actor.require(Permission.FLEET_CONNECTION_READ)
    async with context.read() as session:
        return await configurations.settings(session, context.customer_id)


async def set_connection_settings(
    context: Context, command: asked.SetConnectionSettings
) -> ConnectionSettingsRow:
    context.actor.require(Permission.FLEET_CONNECTION_WRITE)
    async with context.transaction() as work:
        return await configuration.set_connection_settings(work, command)

"""Who may do what with which device."""

from domain.fleet.commands import RegisterDevice, UpdateDevice
from domain.fleet.ports import FleetServices
from domain.fleet.repository import devices
from domain.fleet.rows import (
    DeviceRow,
)
from domain.kernel.actor import ActorKind
from domain.kernel.database import ReadSession
from domain.kernel.errors import Forbidden, NotFound, Unavailable
from domain.kernel.permissions import Permission
from graph.context import Context


def fleet(context: Context) -> FleetServices:
    """Raises Unavailable where no fleet is kept, on an edge."""
    if context.services.fleet is None:
        raise Unavailable("There is no fleet here")
    return context.services.fleet


def own_or(context: Context, key: str, permission: Permission) -> None:
    """A device with itself, anybody else with the permission."""
    actor = context.actor
    if actor.kind is not ActorKind.DEVICE:
        actor.require(permission)
        return
    actor.require(Permission.FLEET_SELF_USE)
    if key not in (actor.id, actor.name):
        raise Forbidden("A device's token opens its own things only")


def may_configure(context: Context, *commands: RegisterDevice | UpdateDevice) -> None:
    """Whoever says with a device how it is to be configured needs that permission as well."""
    if any(command.configuration is not None for command in commands):
        context.actor.require(Permission.FLEET_CONFIGURATION_WRITE)


async def present(session: ReadSession, context: Context, key: str) -> DeviceRow:
    found = await devices.find(session, context.customer_id, key)
    if found is None:
        raise NotFound("Device", key)
    return found

"""An edge beside its factory on one machine needs no person between them to be known there."""

from contextlib import suppress

from domain.fleet.commands import RegisterDevice
from domain.fleet.models import DeviceKind
from domain.fleet.repository import devices
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.errors import Conflict
from domain.kernel.permissions import Permission
from graph.context import Context
from graph.fleet import resolvers
from oktograph.factory.runtime import FactoryRuntime

_MAY = frozenset({Permission.FLEET_DEVICE_WRITE, Permission.FLEET_TOKEN_ISSUE})


async def introduce(factory: FactoryRuntime, identifier: str, name: str | None = None) -> str:
    """Registers the edge unless it is known, and answers a device token for it. Processes that
    start together may do so at once."""
    customer_id = factory.core.customer.id
    actor = Actor(ActorKind.SYSTEM, customer_id, "", "introduction", _MAY)
    context = Context(actor, factory.services)
    async with factory.core.database.read() as session:
        known = await devices.find(session, customer_id, identifier)
    if known is None:
        command = RegisterDevice.of(identifier=identifier, name=name, kind=DeviceKind.EDGE)
        with suppress(Conflict):  # another process was first
            await resolvers.register_device(context, command)
    return (await resolvers.issue_device_token(context, identifier)).token

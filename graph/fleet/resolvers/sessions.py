"""Devices that dial in."""

from domain.fleet.session_loop import DeviceSessionLoop, SessionEnd, Transport
from domain.kernel.permissions import Permission
from graph.context import Context
from graph.fleet.access import fleet


async def device_session(context: Context, transport: Transport) -> SessionEnd:
    """One device's session, from its first frame to its last: what to close the socket with.
    Raises Forbidden for whoever is no device."""
    context.actor.require(Permission.FLEET_SELF_USE)
    session = DeviceSessionLoop(
        fleet(context),
        context.services.transactions,
        context.actor,
        transport,
        expires_at_us=context.expires_at_us,
    )
    return await session.run()

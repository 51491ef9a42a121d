"""A gateway is a device of the fleet, too, of the same id: there it has its number, groups and
status, here what lets it in. What both tell is changed in both at once.

Whoever changes either holds the device first: people come from both sides, and would else wait for
each other for ever.
"""

from typing import Any, Final

from domain.fleet.commands import RegisterDevice, SetDeviceStatus
from domain.fleet.models import DeviceKind, DeviceStatus
from domain.fleet.operations import devices as fleet
from domain.fleet.operations.presence import set_status
from domain.fleet.repository import devices
from domain.fleet.rows import DeviceRow
from domain.gateways.models import Connectivity
from domain.gateways.rows import GatewayRow
from domain.kernel.uow import UnitOfWork

SHARED: Final = {
    "name": "name",
    "station": "location",
    "model": "model",
    "manufacturer": "manufacturer",
    "firmware": "firmware_version",
}
"""What a gateway calls it, and what a device does."""


async def join(work: UnitOfWork, row: GatewayRow) -> None:
    """Called by its thing name, or by its id where a device is called so already."""
    named = await devices.find(work.session, work.customer_id, row.thing_name)
    command = RegisterDevice(
        identifier=row.thing_name if named is None else row.id,
        kind=DeviceKind.GATEWAY,
        **as_device(row._asdict()),
    )
    await fleet.register_device(work, command, row.id)


async def hold(work: UnitOfWork, gateway_id: str) -> DeviceRow | None:
    """Nobody else changes it before this transaction ends."""
    return await devices.lock(work.session, work.customer_id, gateway_id)


async def heard(work: UnitOfWork, gateway_id: str) -> None:
    """Holds it, too."""
    await fleet.heard_of(work, gateway_id)


async def change(work: UnitOfWork, device: DeviceRow | None, values: dict[str, Any]) -> None:
    """`values` are the gateway's, `device` is held."""
    shared = as_device(values)
    if device is not None and shared:
        await fleet.change_device(work, device, shared)


async def show(work: UnitOfWork, row: GatewayRow) -> None:
    """How it stands, as a status."""
    active = row.connectivity is Connectivity.ACTIVE
    status = DeviceStatus.ONLINE if active else DeviceStatus.OFFLINE
    reason = f"the gateway is {row.connectivity}"
    if await hold(work, row.id) is not None:
        await set_status(work, SetDeviceStatus(device=row.id, status=status, reason=reason))


def as_device(values: dict[str, Any]) -> dict[str, Any]:
    return {SHARED[name]: value for name, value in values.items() if name in SHARED}


def as_gateway(device: DeviceRow) -> dict[str, Any]:
    """A device may be without a location, a gateway has its station."""
    found = {ours: getattr(device, theirs) for ours, theirs in SHARED.items()}
    return {name: value for name, value in found.items() if name != "station" or value is not None}

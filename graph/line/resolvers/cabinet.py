"""Use cases of the cabinet: its UPS, its buttons and lamps."""

from domain.kernel.permissions import Permission
from domain.line.models import HardwareKind
from domain.line.ports import GpioStatus, UpsStatus, UpsTest
from graph.context import Context


async def ups(context: Context) -> UpsStatus | None:
    context.actor.require(Permission.LINE_HARDWARE_READ)
    context.services.line.require(HardwareKind.UPS)
    return context.services.line.ups()


async def test_ups(context: Context) -> UpsTest:
    """A battery self-test, and how it went."""
    context.actor.require(Permission.LINE_HARDWARE_OPERATE)
    context.services.line.require(HardwareKind.UPS)
    return await context.services.line.test_ups()


async def simulate_ups(
    context: Context, on_battery: bool | None, battery_percent: float | None
) -> UpsStatus:
    """What is not given stays as the UPS tells it. Nothing simulated hides a real outage."""
    context.actor.require(Permission.LINE_HARDWARE_OPERATE)
    context.services.line.require(HardwareKind.UPS)
    return await context.services.line.simulate_ups(on_battery, battery_percent)


async def gpio(context: Context) -> GpioStatus | None:
    context.actor.require(Permission.LINE_HARDWARE_READ)
    context.services.line.require(HardwareKind.GPIO)
    return context.services.line.gpio()


async def press_button(context: Context, name: str) -> GpioStatus:
    """As if by a finger."""
    context.actor.require(Permission.LINE_HARDWARE_OPERATE)
    context.services.line.require(HardwareKind.GPIO)
    return await context.services.line.press_button(name)


async def set_led(context: Context, name: str, on: bool | None) -> GpioStatus:
    """Until null gives the lamp back to what it mirrors."""
    context.actor.require(Permission.LINE_HARDWARE_OPERATE)
    context.services.line.require(HardwareKind.GPIO)
    return await context.services.line.set_led(name, on)

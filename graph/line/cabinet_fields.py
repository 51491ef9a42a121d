"""The cabinet in the graph: UPS, buttons and lamps."""

import strawberry
from strawberry.scalars import JSON

from domain.kernel.errors import ValidationFailed
from domain.line.models import HardwareKind
from domain.line.ports import ButtonStatus, GpioStatus, LedStatus, UpsStatus
from graph.info import Info
from graph.line import resolvers
from graph.line.device_types import DeviceLink, device_link_type
from graph.scalars import Timestamp, moment


@strawberry.type(description="The cabinet's UPS; what it does not tell is null")
class Ups:
    name: str
    protocol: str
    address: str
    power: str = strawberry.field(description="ON_LINE, ON_BATTERY or LOW_BATTERY")
    on_battery: bool | None
    low_battery: bool | None
    battery_percent: float | None
    runtime_s: int | None
    input_voltage: float | None
    load_percent: float | None
    flags: list[str]
    model: str | None
    simulated: bool = strawberry.field(description="Somebody overlays what the UPS tells")
    at: Timestamp | None
    link: DeviceLink


@strawberry.type(description="How a battery self-test went")
class UpsTestResult:
    outcome: str
    detail: str


@strawberry.type
class Button:
    name: str
    line: str
    pressed: bool | None = strawberry.field(description="Null until the chip has told")
    presses: int
    last_event_at: Timestamp | None


@strawberry.type
class Lamp:
    name: str
    line: str
    mirrors: str | None
    pattern: str
    lit: bool | None = strawberry.field(description="Null while the chip is away")
    overridden: bool | None


@strawberry.type(description="The panel's buttons and lamps")
class Gpio:
    chip: str
    simulated: bool
    buttons: list[Button]
    leds: list[Lamp]
    link: DeviceLink


@strawberry.type
class CabinetQuery:
    @strawberry.field(description="Null where none is configured")
    async def ups(self, info: Info) -> Ups | None:
        found = await resolvers.ups(info.context)
        return None if found is None else ups_type(found)

    @strawberry.field(description="Null where none is configured")
    async def gpio(self, info: Info) -> Gpio | None:
        found = await resolvers.gpio(info.context)
        return None if found is None else gpio_type(found)


@strawberry.type
class CabinetMutation:
    @strawberry.mutation(description="Null takes back what was set before")
    async def set_ups(self, info: Info, ups: JSON | None = None) -> Ups | None:
        await resolvers.configure(info.context, {HardwareKind.UPS: _object("ups", ups)})
        found = await resolvers.ups(info.context)
        return None if found is None else ups_type(found)

    @strawberry.mutation(description="Null takes back what was set before")
    async def set_gpio(self, info: Info, gpio: JSON | None = None) -> Gpio | None:
        await resolvers.configure(info.context, {HardwareKind.GPIO: _object("gpio", gpio)})
        found = await resolvers.gpio(info.context)
        return None if found is None else gpio_type(found)

    @strawberry.mutation(description="A battery self-test")
    async def test_ups(self, info: Info) -> UpsTestResult:
        done = await resolvers.test_ups(info.context)
        return UpsTestResult(outcome=done.outcome, detail=done.detail)

    @strawberry.mutation(
        description="Overlays what the UPS tells until it really is on battery; `onBattery: false` "
        "alone ends it"
    )
    async def simulate_ups(
        self, info: Info, on_battery: bool | None = None, battery_percent: float | None = None
    ) -> Ups:
        return ups_type(await resolvers.simulate_ups(info.context, on_battery, battery_percent))

    @strawberry.mutation(description="As if by a finger")
    async def press_button(self, info: Info, name: str) -> Gpio:
        return gpio_type(await resolvers.press_button(info.context, name))

    @strawberry.mutation(description="Until null gives it back to what it mirrors")
    async def set_led(self, info: Info, name: str, on: bool | None = None) -> Gpio:
        return gpio_type(await resolvers.set_led(info.context, name, on))


def _object(name: str, given: JSON | None) -> JSON | None:
    if given is not None and not isinstance(given, dict):
        raise ValidationFailed(name, "must be an object")
    return given


def ups_type(status: UpsStatus) -> Ups:
    return Ups(
        name=status.name,
        protocol=status.protocol,
        address=status.address,
        power=status.power,
        on_battery=status.on_battery,
        low_battery=status.low_battery,
        battery_percent=status.battery_percent,
        runtime_s=status.runtime_s,
        input_voltage=status.input_voltage,
        load_percent=status.load_percent,
        flags=list(status.flags),
        model=status.model,
        simulated=status.simulated,
        at=moment(status.at_us),
        link=device_link_type(status.link),
    )


def gpio_type(status: GpioStatus) -> Gpio:
    return Gpio(
        chip=status.chip,
        simulated=status.simulated,
        buttons=[_button(one) for one in status.buttons],
        leds=[_lamp(one) for one in status.leds],
        link=device_link_type(status.link),
    )


def _button(one: ButtonStatus) -> Button:
    return Button(
        name=one.name,
        line=one.line,
        pressed=one.pressed,
        presses=one.presses,
        last_event_at=moment(one.last_event_at_us),
    )


def _lamp(one: LedStatus) -> Lamp:
    return Lamp(
        name=one.name,
        line=one.line,
        mirrors=one.mirrors,
        pattern=one.pattern,
        lit=one.lit,
        overridden=one.overridden,
    )

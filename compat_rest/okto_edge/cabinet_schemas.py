"""Bodies of the cabinet, as the OKTO edge API has them: UPS, buttons and lamps."""

from typing import Annotated

from pydantic import Field

from compat_rest.kernel.fields import Body
from compat_rest.kernel.okto.schemas import Answer, Time
from compat_rest.okto_edge.hardware_schemas import DeviceState


class UpsState(Answer):
    """`configured` is false where there is none; then the rest is null."""

    configured: bool
    name: str | None
    protocol: str | None
    address: str | None
    power: str | None
    on_battery: bool | None
    low_battery: bool | None
    battery_percent: float | None
    runtime_seconds: int | None
    input_voltage: float | None
    load_percent: float | None
    flags: list[str]
    model: str | None
    simulated: bool
    timestamp: Time | None
    link: DeviceState | None


class UpsTest(Answer):
    outcome: str
    detail: str


class SimulateBody(Body):
    """What is left out stays as the UPS tells it; `{"onBattery": false}` ends the simulation."""

    on_battery: bool | None = None
    battery_percent: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None


class Button(Answer):
    name: str
    line: str
    pressed: bool | None
    presses: int
    last_event: Time | None


class Led(Answer):
    """`on` is what is on the line, null while the chip is away; `overridden` what was set."""

    name: str
    line: str
    mirrors: str | None
    pattern: str
    on: bool | None
    overridden: bool | None


class GpioState(Answer):
    """`configured` is false where there is none; then there are neither buttons nor lamps."""

    configured: bool
    chip: str | None
    simulated: bool
    buttons: list[Button]
    leds: list[Led]
    link: DeviceState | None


class LedBody(Body):
    """`on`: null gives the lamp back to what it mirrors."""

    on: bool | None

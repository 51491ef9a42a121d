"""The port of buttons and lamps: settings, events, and the contract of the driver."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Protocol, Self

from pydantic import Field, field_validator

from domain.kernel.errors import ValidationFailed
from drivers.configuration import DeviceModel, validated
from drivers.gpio.mirror import LineLights, Mirrored, Pattern
from drivers.link import Driver

MAX_LINES: Final = 32

# A line's number on its chip, or the name that the chip gives it.
LineRef = (
    Annotated[int, Field(ge=0, le=1023)]
    | Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/-]{1,64}$")]
)
# It stands in a URL.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]


class Pull(StrEnum):
    """The chip's own resistor; NONE where the wiring has one."""

    UP = "UP"
    DOWN = "DOWN"
    NONE = "NONE"


class PanelItem(DeviceModel):
    """What is on one line. `active_low`: pressed, or lit, is the low level."""

    name: Name
    line: LineRef
    active_low: bool


class ButtonConfig(PanelItem):
    """As most are wired: a contact to ground, held up by the chip. A level counts once it has
    held for `debounce_ms`."""

    active_low: bool = True
    pull: Pull = Pull.UP
    debounce_ms: int = Field(default=20, ge=0, le=5000)


class LedConfig(PanelItem):
    """Dark unless it mirrors something or is set."""

    active_low: bool = False
    mirrors: Mirrored | None = None


class GpioConfig(DeviceModel):
    """`chip` is a device such as /dev/gpiochip0, or a simulated one: `sim://host:port` or
    `sim:///path/of/socket`, which has `timeout_s` to answer."""

    chip: str = Field(
        pattern=r"^(/[!-~]{1,255}|sim://([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}|sim:///[!-~]{1,100})$"
    )
    buttons: tuple[ButtonConfig, ...] = Field(default=(), max_length=MAX_LINES)
    leds: tuple[LedConfig, ...] = Field(default=(), max_length=MAX_LINES)
    timeout_s: float = Field(default=2.0, ge=0.05, le=30)

    @field_validator("chip")
    @classmethod
    def _has_a_port(cls, value: str) -> str:
        on_tcp = value.startswith("sim://") and not value.startswith("sim:///")
        if on_tcp and not 1 <= int(value.rpartition(":")[2]) <= 65535:
            raise ValueError("a port is from 1 to 65535")
        return value

    @property
    def key(self) -> str:
        """An edge has one set of buttons and lamps."""
        return "gpio"

    @property
    def address(self) -> str:
        return self.chip

    @property
    def simulated(self) -> bool:
        return self.chip.startswith("sim://")

    @classmethod
    def parse(cls, data: Mapping[str, Any], *, path: str = "gpio") -> Self:
        """Raises ValidationFailed that names the field, as in `gpio.leds.1.line`."""
        config = validated(cls, data, path=path)
        prefix = f"{path}." if path else ""
        buttons, leds = _placed("buttons", config.buttons), _placed("leds", config.leds)
        for kind in (buttons, leds):
            _refuse_repeated(prefix, "name", ((at, item.name) for at, item in kind))
        _refuse_repeated(prefix, "line", ((at, item.line) for at, item in (*buttons, *leds)))
        return config

    def items(self) -> list[tuple[str, PanelItem]]:
        """Buttons, then lamps, each with where it stands, as in `leds.1`."""
        return [*_placed("buttons", self.buttons), *_placed("leds", self.leds)]


def _placed(kind: str, items: Iterable[PanelItem]) -> list[tuple[str, PanelItem]]:
    return [(f"{kind}.{at}", item) for at, item in enumerate(items)]


def _refuse_repeated(prefix: str, field: str, values: Iterable[tuple[str, object]]) -> None:
    seen: dict[object, str] = {}
    for at, value in values:
        if value in seen:
            raise ValidationFailed(f"{prefix}{at}.{field}", f"already used by {seen[value]}")
        seen[value] = at


class ButtonAction(StrEnum):
    PRESSED = "PRESSED"
    RELEASED = "RELEASED"


@dataclass(frozen=True, slots=True)
class ButtonEvent:
    """`at_us` is when the contact changed. `injected`: by `press`, not by a finger. `found`: so
    when the chip was reached, held since or changed while it was away, not seen happening."""

    name: str
    action: ButtonAction
    at_us: int
    injected: bool = False
    found: bool = False


# One at a time, in order. What it raises is logged and counted.
OnButton = Callable[[ButtonEvent], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ButtonState:
    """`pressed` is None until the chip has told. `presses` counts those injected too."""

    name: str
    line: int | str
    pressed: bool | None
    presses: int
    last_event_at_us: int | None


@dataclass(frozen=True, slots=True)
class LedState:
    """`pattern` is what should show; `lit` what was put on the line last, None while the chip is
    away. `overridden` is what `set_led` asked for."""

    name: str
    line: int | str
    mirrors: Mirrored | None
    pattern: Pattern
    lit: bool | None
    overridden: bool | None


class GpioPort(Driver, Protocol):
    """A supervised driver of one chip's buttons and lamps.

    It counts `edges`, `events`, `refused` (events whose handling failed) and `dropped` (events
    that came faster than they were handled, for long).
    """

    @property
    def config(self) -> GpioConfig: ...

    def buttons(self) -> list[ButtonState]:
        """In the order of the configuration."""

    def leds(self) -> list[LedState]:
        """In the order of the configuration."""

    def show(self, lights: LineLights) -> None:
        """What mirroring lamps follow from now on, whether or not the chip is there."""

    async def press(self, name: str) -> None:
        """A press and a release as if by a finger; returns once both are handled. Needs no chip.
        Raises NotFound."""

    async def set_led(self, name: str, on: bool | None) -> None:
        """Overrides what the lamp mirrors, until None releases it; returns once it is on the
        line. Raises NotFound; Unavailable or UpstreamFailed where the chip is away or goes, and
        the lamp stays as it was."""

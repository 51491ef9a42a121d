"""A real chip, by libgpiod 2.

Not proven on a chip: what goes over the kernel's interface is tested with a chip that is handed
in, and libgpiod's own event and settings types.
"""

import asyncio
import errno
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol

import gpiod
from gpiod.line import Bias, Clock, Direction, Edge, Value

from drivers.gpio.chip import Edge as ButtonEdge
from drivers.gpio.chip import OnEdges, OnLost, Opened
from drivers.gpio.port import GpioConfig, Pull
from drivers.link import ConfigurationFault, PeerLost

CONSUMER: Final = "oktograph"
# The kernel keeps 16 a line, which one bad contact fills in a few milliseconds.
EVENTS_KEPT: Final = 1024

_BIAS: Final[Mapping[Pull, Bias]] = {
    Pull.UP: Bias.PULL_UP,
    Pull.DOWN: Bias.PULL_DOWN,
    Pull.NONE: Bias.DISABLED,
}
LineSettings = dict[Iterable[int | str] | int | str, gpiod.LineSettings | None]


class GpiodRequest(Protocol):
    """The part of `gpiod.LineRequest` that we use."""

    @property
    def fd(self) -> int: ...

    def get_values(self, lines: Iterable[int | str] | None = None) -> list[Value]: ...

    def set_value(self, line: int | str, value: Value) -> None: ...

    def read_edge_events(self, max_events: int | None = None) -> list[gpiod.EdgeEvent]: ...

    def release(self) -> None: ...


class GpiodChip(Protocol):
    """The part of `gpiod.Chip` that we use."""

    def line_offset_from_id(self, id: str | int) -> int: ...

    def request_lines(
        self, config: LineSettings, consumer: str | None, event_buffer_size: int | None
    ) -> GpiodRequest: ...

    def close(self) -> None: ...


class LibgpiodChip:
    """`Chip` on a device file. Its calls are short ioctls, made on the loop."""

    def __init__(self, open_chip: Callable[[str], GpiodChip] | None = None) -> None:
        self._open_chip = open_chip or _opened
        self._request: GpiodRequest | None = None
        self._offsets: dict[int | str, int] = {}
        self._buttons: dict[int, int | str] = {}
        self._on_edges: OnEdges = lambda _: None
        self._on_lost: OnLost = lambda _: None

    async def open(self, config: GpioConfig, on_edges: OnEdges, on_lost: OnLost) -> Opened:
        chip = self._open_chip(config.chip)
        try:
            self._offsets = _offsets(chip, config)
            self._request = _requested(chip, config, self._offsets)
        finally:
            chip.close()
        self._on_edges, self._on_lost = on_edges, on_lost
        self._buttons = {self._offsets[button.line]: button.line for button in config.buttons}
        asyncio.get_running_loop().add_reader(self._request.fd, self._readable)
        values = self._request.get_values(list(self._buttons)) if self._buttons else []
        active = dict(zip(self._buttons.values(), map(bool, values), strict=True))
        return Opened(f"{config.chip} ({len(self._offsets)} lines)", active)

    async def set(self, line: int | str, on: bool) -> None:
        if self._request is None:
            raise PeerLost("the chip is closed")
        self._request.set_value(self._offsets[line], Value.ACTIVE if on else Value.INACTIVE)

    async def close(self) -> None:
        request, self._request = self._request, None
        if request is not None:
            asyncio.get_running_loop().remove_reader(request.fd)
            request.release()

    def _readable(self) -> None:
        """A chip that was pulled out is readable for ever, and every reading fails."""
        if self._request is None:
            return
        try:
            events = self._request.read_edge_events()
        except OSError as error:
            asyncio.get_running_loop().remove_reader(self._request.fd)
            self._on_lost(error)
            return
        known = (event for event in events if event.line_offset in self._buttons)
        self._on_edges([self._edge(event) for event in known])

    def _edge(self, event: gpiod.EdgeEvent) -> ButtonEdge:
        """Rising is to active: the kernel knows which level that is."""
        rising = event.event_type is gpiod.EdgeEvent.Type.RISING_EDGE
        return ButtonEdge(self._buttons[event.line_offset], rising, event.timestamp_ns)


def _opened(path: str) -> GpiodChip:
    """What is not there may come (an expander on USB); what is no chip stays none."""
    try:
        if Path(path).exists() and not gpiod.is_gpiochip_device(path):
            raise ConfigurationFault(f"gpio.chip: {path} is no GPIO chip")
        return gpiod.Chip(path)
    except PermissionError as refused:
        raise ConfigurationFault(f"gpio.chip: {path}: {refused.strerror}") from refused


def _offsets(chip: GpiodChip, config: GpioConfig) -> dict[int | str, int]:
    """Raises ConfigurationFault that names the field of a line that the chip does not have, or
    has under another of the configured names."""
    offsets: dict[int | str, int] = {}
    for place, item in config.items():
        field = f"gpio.{place}.line"
        try:
            offset = chip.line_offset_from_id(item.line)
        except (OSError, ValueError) as unknown:
            raise ConfigurationFault(f"{field}: no line {item.line}") from unknown
        if offset in offsets.values():
            raise ConfigurationFault(f"{field}: line {offset} is already used")
        offsets[item.line] = offset
    return offsets


def _requested(
    chip: GpiodChip, config: GpioConfig, offsets: Mapping[int | str, int]
) -> GpiodRequest:
    """We debounce by the events' own times; the kernel's way would add its wait to ours."""
    lines: LineSettings = {}
    for button in config.buttons:
        lines[offsets[button.line]] = gpiod.LineSettings(
            direction=Direction.INPUT,
            edge_detection=Edge.BOTH,
            bias=_BIAS[button.pull],
            active_low=button.active_low,
            event_clock=Clock.MONOTONIC,
        )
    for led in config.leds:
        lines[offsets[led.line]] = gpiod.LineSettings(
            direction=Direction.OUTPUT, active_low=led.active_low, output_value=Value.INACTIVE
        )
    try:
        return chip.request_lines(lines, CONSUMER, EVENTS_KEPT)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise PeerLost("a line is in use by something else") from error
        raise

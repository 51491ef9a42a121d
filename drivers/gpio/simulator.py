"""A GPIO chip with buttons and lamps on it that is a real peer, on TCP or a Unix socket.

A chip's driver says CHIP words and is told of edges; people and tests press buttons and watch
lamps by PANEL words, on connections of their own (`nc` will do). One line each, answered by
`OK ...` or `ERR reason`:

    INPUT line UP|DOWN|NONE    takes a line, answers its level      PRESS button
    OUTPUT line 0|1            takes a line and drives it           RELEASE button
    SET line 0|1               drives it                            BOUNCE button times
    PING                                                            LED lamp
                                                                    WATCH, then `LED lamp on|off`
    EDGE line 0|1              unasked: a level changed             LIST
"""

import asyncio
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from drivers.gpio.port import LineRef, Name, Pull
from drivers.line_server import LinePeer, LineServer


class ClosesTo(StrEnum):
    """What a pressed contact connects its line with."""

    GROUND = "GROUND"
    SUPPLY = "SUPPLY"


class SimulatedButton(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    line: LineRef
    closes_to: ClosesTo = ClosesTo.GROUND


class SimulatedLed(BaseModel):
    """`active_low`: its other end is at the supply."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    line: LineRef
    active_low: bool = False


class GpioSimulatorConfig(BaseModel):
    """With port 0 it takes any free one; `path` serves a Unix socket instead. Lines with nothing
    on them are those below `lines`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    path: Path | None = None
    lines: int = Field(default=32, ge=0, le=1024)
    buttons: tuple[SimulatedButton, ...] = ()
    leds: tuple[SimulatedLed, ...] = ()


class _Button:
    def __init__(self, config: SimulatedButton) -> None:
        self.config = config
        self.pressed = False
        self.pull = Pull.NONE

    def level(self) -> int:
        """An open contact is where its resistor pulls it, the chip's or the wiring's."""
        closed = int(self.config.closes_to is ClosesTo.SUPPLY)
        if self.pressed:
            return closed
        return {Pull.UP: 1, Pull.DOWN: 0, Pull.NONE: 1 - closed}[self.pull]


class GpioSimulator(LineServer):
    """`press`, `release` and `bounce` are what fingers do; `led` is what eyes see. Buttons stay
    as they are while no driver is there; lamps go dark."""

    def __init__(self, config: GpioSimulatorConfig | None = None) -> None:
        self.config = config or GpioSimulatorConfig()
        super().__init__(
            lambda peer: _Words(self, peer),
            host=self.config.host,
            port=self.config.port,
            path=self.config.path,
        )
        self.buttons = {button.name: _Button(button) for button in self.config.buttons}
        self._on_line = {str(b.config.line): b for b in self.buttons.values()}
        self._lamps = {str(led.line): led for led in self.config.leds}
        self._levels: dict[str, int] = {}
        self._owners: dict[str, LinePeer] = {}
        self._watchers: set[LinePeer] = set()
        self._shown = asyncio.Event()

    @property
    def url(self) -> str:
        """For a driver's `chip`."""
        path = self.config.path
        return f"sim://{path}" if path else f"sim://{self.config.host}:{self.port}"

    def press(self, name: str) -> None:
        """Raises KeyError, as the others do, for what there is not."""
        self._move(self.buttons[name], True)

    def release(self, name: str) -> None:
        self._move(self.buttons[name], False)

    def bounce(self, name: str, times: int) -> None:
        """Presses, or releases what is pressed, with so many false contacts before."""
        button = self.buttons[name]
        pressed = not button.pressed
        for _ in range(times):
            self._move(button, pressed)
            self._move(button, not pressed)
        self._move(button, pressed)

    def led(self, name: str) -> bool:
        led = {led.name: led for led in self.config.leds}[name]
        level = self._levels.get(str(led.line))
        return level is not None and (level == 1) is not led.active_low

    async def led_is(self, name: str, on: bool) -> None:
        """Waits until the lamp is so."""
        while self.led(name) is not on:
            await self._shown.wait()

    def _move(self, button: _Button, pressed: bool) -> None:
        before = button.level()
        button.pressed = pressed
        line = str(button.config.line)
        owner = self._owners.get(line)
        if owner is not None and button.level() != before:
            owner.push(f"EDGE {line} {button.level()}")

    def take_input(self, peer: LinePeer, line: str, pull: Pull) -> str:
        """For a connection."""
        if refusal := self._take(peer, line):
            return refusal
        button = self._on_line.get(line)
        if button is None:
            return f"OK {int(pull is Pull.UP)}"
        button.pull = pull
        return f"OK {button.level()}"

    def take_output(self, peer: LinePeer, line: str, level: int) -> str:
        return self._take(peer, line) or self.drive(peer, line, level)

    def drive(self, peer: LinePeer, line: str, level: int) -> str:
        if self._owners.get(line) is not peer:
            return "ERR not yours"
        self._show(line, level)
        return "OK"

    def watch(self, peer: LinePeer) -> str:
        self._watchers.add(peer)
        return "\n".join(["OK", *(self._lamp(led) for led in self.config.leds)])

    def let_go(self, peer: LinePeer) -> None:
        self._watchers.discard(peer)
        for line in [line for line, owner in self._owners.items() if owner is peer]:
            del self._owners[line]
            self._show(line, None)

    def _take(self, peer: LinePeer, line: str) -> str | None:
        known = {*self._on_line, *self._lamps, *map(str, range(self.config.lines))}
        if line not in known:
            return f"ERR no line {line}"
        if line in self._owners:
            return f"ERR line {line} is in use"
        self._owners[line] = peer
        return None

    def _show(self, line: str, level: int | None) -> None:
        if level is None:
            self._levels.pop(line, None)
        else:
            self._levels[line] = level
        if line in self._lamps:
            for watcher in self._watchers:
                watcher.push(self._lamp(self._lamps[line]))
        self._shown.set()
        self._shown = asyncio.Event()

    def _lamp(self, led: SimulatedLed) -> str:
        return f"LED {led.name} {'on' if self.led(led.name) else 'off'}"


class _Words:
    """One connection."""

    def __init__(self, simulator: GpioSimulator, peer: LinePeer) -> None:
        self._simulator = simulator
        self._peer = peer

    def heard(self, line: str) -> str:
        simulator, peer = self._simulator, self._peer
        match line.split():
            case ["INPUT", name, "UP" | "DOWN" | "NONE" as pull]:
                return simulator.take_input(peer, name, Pull(pull))
            case ["OUTPUT", name, "0" | "1" as level]:
                return simulator.take_output(peer, name, int(level))
            case ["SET", name, "0" | "1" as level]:
                return simulator.drive(peer, name, int(level))
            case ["PING"]:
                return "OK"
            case words:
                return self._of_panel(words)

    def _of_panel(self, words: list[str]) -> str:
        simulator = self._simulator
        try:
            match [word.upper() for word in words[:1]] + words[1:]:
                case ["PRESS", name]:
                    simulator.press(name)
                case ["RELEASE", name]:
                    simulator.release(name)
                case ["BOUNCE", name, times]:
                    simulator.bounce(name, min(1000, int(times)))
                case ["LED", name]:
                    return f"OK {'on' if simulator.led(name) else 'off'}"
                case ["WATCH"]:
                    return simulator.watch(self._peer)
                case ["LIST"]:
                    return f"OK {' '.join(self._names())}"
                case _:
                    return "ERR unknown words"
        except (KeyError, ValueError):
            return "ERR no such thing"
        return "OK"

    def _names(self) -> list[str]:
        config = self._simulator.config
        return [
            *(f"button:{b.name}" for b in config.buttons),
            *(f"led:{x.name}" for x in config.leds),
        ]

    def over(self) -> None:
        self._simulator.let_go(self._peer)

"""The adapter to libgpiod at the event level: the chip is handed in, as no machine of ours has one;
events and settings are libgpiod's own, and come over a real file descriptor."""

import errno
import os
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gpiod
import pytest
from gpiod.line import Bias, Clock, Direction, Edge, Value

from domain.kernel.clock import SystemClock
from drivers.gpio.driver import GpioDriver
from drivers.gpio.libgpiod import LibgpiodChip
from drivers.gpio.mirror import LineLights
from drivers.gpio.port import GpioConfig
from drivers.link import LinkState
from drivers.supervised import SupervisedTask
from tests.support.gpio import PRESSED, QUICK, RELEASED, Presses
from tests.support.waiting import DEADLINE_S, eventually

CONFIG: dict[str, Any] = {
    "chip": "/dev/gpiochip0",
    "buttons": [
        {"name": "start", "line": 17, "debounce_ms": 5},
        {"name": "stop", "line": "GPIO4", "active_low": False, "pull": "DOWN", "debounce_ms": 5},
    ],
    "leds": [{"name": "run", "line": 27, "active_low": True, "mirrors": "RUNNING"}],
}


@dataclass
class Lines:
    """A chip and its request at once: what the kernel would keep."""

    names: dict[str, int] = field(default_factory=lambda: {"GPIO4": 4})
    count: int = 54
    values: dict[int, Value] = field(default_factory=dict)
    config: dict[Any, gpiod.LineSettings] = field(default_factory=dict)
    consumer: str | None = None
    failure: OSError | None = None
    read_failure: OSError | None = None
    released: int = 0
    closed: int = 0
    opened: int = 0
    events: list[gpiod.EdgeEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fd, self._kernel = os.pipe()

    def __call__(self, path: str) -> "Lines":
        self.opened += 1
        if self.failure is not None:
            raise self.failure
        return self

    def line_offset_from_id(self, id: str | int) -> int:
        offset = self.names[id] if isinstance(id, str) and id in self.names else None
        if offset is None and (isinstance(id, str) or id >= self.count):
            raise ValueError("line offset of out range")
        return int(id) if offset is None else offset

    def request_lines(self, config: Any, consumer: str | None, _: int | None) -> "Lines":
        self.config, self.consumer = config, consumer
        return self

    def get_values(self, lines: Iterable[int | str] | None = None) -> list[Value]:
        return [self.values.get(int(line), Value.INACTIVE) for line in lines or []]

    def set_value(self, line: int | str, value: Value) -> None:
        self.values[int(line)] = value

    def read_edge_events(self, max_events: int | None = None) -> list[gpiod.EdgeEvent]:
        if self.read_failure is not None:
            raise self.read_failure
        os.read(self.fd, 4096)
        events, self.events = self.events, []
        return events

    def release(self) -> None:
        self.released += 1

    def close(self) -> None:
        self.closed += 1

    def edge(self, line: int, rising: bool, at_ns: int | None = None) -> None:
        kind = gpiod.EdgeEvent.Type.RISING_EDGE if rising else gpiod.EdgeEvent.Type.FALLING_EDGE
        at_ns = time.monotonic_ns() if at_ns is None else at_ns
        self.events.append(gpiod.EdgeEvent(kind.value, at_ns, line, 0, 0))
        os.write(self._kernel, b"!")

    def wake(self) -> None:
        os.write(self._kernel, b"!")

    def shut(self) -> None:
        os.close(self.fd)
        os.close(self._kernel)


@asynccontextmanager
async def panel(lines: Lines, **settings: Any) -> AsyncIterator[tuple[SupervisedTask, Presses]]:
    config = GpioConfig.parse({**CONFIG, **settings})
    driver = GpioDriver(config, LibgpiodChip(lines), presses := Presses(), SystemClock())
    task = SupervisedTask("gpio", driver, backoff=QUICK)
    task.start()
    try:
        yield task, presses
    finally:
        await task.stop()
        lines.shut()


async def test_lines_are_asked_for_as_configured() -> None:
    lines = Lines()
    async with panel(lines) as (task, _):
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        assert set(lines.config) == {17, 4, 27}
        start, stop, run = lines.config[17], lines.config[4], lines.config[27]
        assert (start.direction, start.edge_detection) == (Direction.INPUT, Edge.BOTH)
        assert (start.bias, start.active_low) == (Bias.PULL_UP, True)
        assert start.event_clock is Clock.MONOTONIC
        assert (stop.bias, stop.active_low) == (Bias.PULL_DOWN, False)
        assert (run.direction, run.active_low) == (Direction.OUTPUT, True)
        assert run.output_value is Value.INACTIVE
        assert (lines.consumer, lines.closed, lines.released) == ("oktograph", 1, 0)
        assert task.snapshot().peer == "/dev/gpiochip0 (3 lines)"
    assert lines.released == 1


async def test_edges_become_presses() -> None:
    lines = Lines()
    async with panel(lines) as (task, presses):
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        for rising in (True, False, True, False, True):
            lines.edge(17, rising)
        await presses.count(1)
        lines.edge(4, True)
        await presses.count(2)
        lines.edge(17, False)
        await presses.count(3)
        assert presses.told == [("start", PRESSED), ("stop", PRESSED), ("start", RELEASED)]
        lines.edge(9, True)  # a line that nobody asked for
        await eventually(lambda: not lines.events)
        assert len(presses.events) == 3


async def test_edges_taken_up_late_keep_their_times() -> None:
    lines = Lines()
    async with panel(lines) as (task, presses):
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        now_ns, now_us = time.monotonic_ns(), SystemClock().now_us()
        lines.edge(17, True, now_ns - 900_000_000)
        lines.edge(17, False, now_ns - 600_000_000)
        await presses.count(2)
        ages_s = [(now_us - event.at_us) / 1e6 for event in presses.events]
        assert ages_s == pytest.approx([0.9, 0.6], abs=0.05)


async def test_button_held_at_the_start() -> None:
    lines = Lines(values={4: Value.ACTIVE})
    async with panel(lines) as (_, presses):
        await presses.count(1)
        assert (presses.told, presses.events[0].found) == ([("stop", PRESSED)], True)


async def test_lamp_goes_to_its_line() -> None:
    lines = Lines()
    async with panel(lines) as (task, _):
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        assert isinstance(task.driver, GpioDriver)
        task.driver.show(LineLights(running=True))
        await eventually(lambda: lines.values.get(27) is Value.ACTIVE)
        await task.driver.set_led("run", False)
        assert lines.values[27] is Value.INACTIVE


async def test_chip_that_is_pulled_out() -> None:
    lines = Lines()
    async with panel(lines) as (task, _):
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        lost = task.expect(LinkState.LOST)
        lines.read_failure = OSError(errno.ENODEV, "No such device")
        lines.failure = FileNotFoundError(errno.ENOENT, "No such file or directory")
        lines.wake()
        assert "No such device" in str((await lost).reason)
        assert lines.released == 1
        await eventually(lambda: task.snapshot().attempts > 2)
        lines.failure = lines.read_failure = None
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)


async def test_line_in_use_is_tried_again() -> None:
    lines = BusyLines()
    async with panel(lines) as (task, _):
        await task.wait_for_state(LinkState.LOST, DEADLINE_S)
        assert "in use" in str(task.snapshot().last_error)
        await eventually(lambda: lines.opened > 2)
        assert lines.closed >= 2


class BusyLines(Lines):
    """Another program has them."""

    def request_lines(self, config: Any, consumer: str | None, _: int | None) -> Lines:
        raise OSError(errno.EBUSY, "Device or resource busy")


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"leds": [{"name": "run", "line": 99}]}, "gpio.leds.0.line"),
        ({"leds": [{"name": "run", "line": "GPIO99"}]}, "gpio.leds.0.line"),
        ({"leds": [{"name": "run", "line": 4}]}, "gpio.leds.0.line"),
    ],
)
async def test_line_that_the_chip_does_not_have(settings: dict[str, Any], field: str) -> None:
    """The last one is the button's line by its other name."""
    lines = Lines()
    async with panel(lines, **settings) as (task, _):
        await task.wait_for_state(LinkState.FAULTED, DEADLINE_S)
        assert field in str(task.snapshot().last_error)
        assert (lines.opened, lines.closed, lines.config) == (1, 1, {})


async def test_real_paths_that_are_no_chips(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path, state in ((tmp_path / "file", LinkState.FAULTED), (tmp_path / "no", LinkState.LOST)):
        config = GpioConfig.parse({**CONFIG, "chip": str(path)})
        driver = GpioDriver(config, LibgpiodChip(), Presses(), SystemClock())
        task = SupervisedTask("gpio", driver, backoff=QUICK)
        task.start()
        await task.wait_for_state(state, DEADLINE_S)
        await task.stop()

"""A GPIO driver and the simulated chip it talks to, on a real socket."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from drivers.backoff import BackoffPolicy
from drivers.gpio.chip import NowNs
from drivers.gpio.driver import gpio_driver
from drivers.gpio.port import ButtonAction, ButtonEvent, GpioConfig, GpioPort, LedState
from drivers.gpio.simulator import GpioSimulator, GpioSimulatorConfig
from drivers.link import LinkState, StateChange
from drivers.supervised import SupervisedTask
from tests.support.waiting import DEADLINE_S, eventually

QUICK = BackoffPolicy(base_s=0.02, cap_s=0.05, floor_s=0.01, stable_s=60.0)
PRESSED, RELEASED = ButtonAction.PRESSED, ButtonAction.RELEASED

# As wired: `start` to ground and held up by the chip, `stop` to the supply with its own resistor.
WIRED: dict[str, Any] = {
    "buttons": [{"name": "start", "line": 17}, {"name": "stop", "line": 4, "closes_to": "SUPPLY"}],
    "leds": [
        {"name": "run", "line": 27},
        {"name": "alarm", "line": 22, "active_low": True},
        {"name": "spare", "line": "EXT-5"},
    ],
}
SETTINGS: dict[str, Any] = {
    "buttons": [
        {"name": "start", "line": 17, "debounce_ms": 10},
        {"name": "stop", "line": 4, "active_low": False, "pull": "NONE", "debounce_ms": 10},
    ],
    "leds": [
        {"name": "run", "line": 27, "mirrors": "RUNNING"},
        {"name": "alarm", "line": 22, "active_low": True, "mirrors": "ALARM"},
        {"name": "spare", "line": "EXT-5"},
    ],
    "timeout_s": 0.5,
}

# For a `HandClock`: a contact settles once the test says that so much time has gone by.
STEADY_MS = 150
STEADY = {"name": "start", "line": 17, "debounce_ms": STEADY_MS}


class HandClock:
    """Of edges; stands still until told, however long a machine takes from one to the next."""

    def __init__(self) -> None:
        self._now_ns = time.monotonic_ns()

    def now_ns(self) -> int:
        return self._now_ns

    def advance(self, ms: int) -> None:
        self._now_ns += ms * 1_000_000


@dataclass
class Presses:
    """Keeps what it is told; `failure` is raised on each, `gate` holds while unset."""

    events: list[ButtonEvent] = field(default_factory=list)
    failure: Exception | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def __call__(self, event: ButtonEvent) -> None:
        self.events.append(event)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure

    @property
    def told(self) -> list[tuple[str, ButtonAction]]:
        return [(event.name, event.action) for event in self.events]

    async def count(self, count: int) -> None:
        await eventually(lambda: len(self.events) >= count)


@dataclass
class Rig:
    """One chip under supervision and its peer."""

    simulator: GpioSimulator
    driver: GpioPort
    task: SupervisedTask
    presses: Presses
    changes: list[StateChange]

    async def state(self, state: LinkState) -> None:
        await self.task.wait_for_state(state, DEADLINE_S)

    def states(self) -> list[LinkState]:
        return [change.state for change in self.changes]

    def led(self, name: str) -> LedState:
        return next(led for led in self.driver.leds() if led.name == name)

    async def edges(self, count: int) -> None:
        """So many have come to the driver since the start."""
        await eventually(lambda: self.driver.counters()["edges"] == count)

    async def led_is(self, name: str, on: bool) -> None:
        await asyncio.wait_for(self.simulator.led_is(name, on), DEADLINE_S)

    def pressed(self, name: str) -> bool | None:
        return next(button.pressed for button in self.driver.buttons() if button.name == name)


@asynccontextmanager
async def rig(
    *,
    presses: Presses | None = None,
    wired: dict[str, Any] | None = None,
    connected: bool = True,
    held: tuple[str, ...] = (),
    now_ns: NowNs = time.monotonic_ns,
    **settings: Any,
) -> AsyncIterator[Rig]:
    """Connected when entered, unless told not to wait for it. `held` buttons are so before."""
    presses = presses or Presses()
    changes: list[StateChange] = []

    async def record(change: StateChange) -> None:
        changes.append(change)

    async with GpioSimulator(GpioSimulatorConfig(**{**WIRED, **(wired or {})})) as simulator:
        for name in held:
            simulator.press(name)
        config = GpioConfig.parse({"chip": simulator.url, **SETTINGS, **settings})
        driver = gpio_driver(config, presses, now_ns=now_ns)
        task = SupervisedTask("gpio", driver, backoff=QUICK, on_transition=record)
        task.start()
        try:
            if connected:
                await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
            yield Rig(simulator, driver, task, presses, changes)
        finally:
            await task.stop()

"""What moves behind a simulated controller: the belt, the gate, and a filler that warms up."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Final

from drivers.plcs.passing import PassingSensor
from oktograph.simulation.console import Act, Word, none, only
from oktograph.simulation.controllers.base import Controller
from oktograph.simulation.points import (
    BELT,
    BIN,
    GATE_DELAY_S,
    GATE_HOLD_S,
    PULSES_PER_S,
    REJECT,
    SETPOINT,
    SPEED,
    STOP,
    TEMPERATURE,
    named,
    value_of,
)

TICK_S: Final = 0.02
FILLER_TICK_S: Final = 0.5
WARMING_S: Final = 20.0
WOBBLE: Final = 0.15


class Machine:
    """Of those points that its controller has. `speed` is what the filler makes a minute while
    nothing stops it; `running` may be set, and follows the controller's own stop."""

    def __init__(self, controller: Controller, speed: float = 300.0) -> None:
        self.controller = controller
        self.speed = speed
        self.running = True
        self._has = {point.name for point in controller.points}
        self._random = Random()  # noqa: S311 - a simulation
        self._pulses = 0.0
        self._bin = PassingSensor(self._sees, self._saw, GATE_HOLD_S)

    @asynccontextmanager
    async def moving(self) -> AsyncIterator[None]:
        """While its controller runs."""
        works = [self._fill()] if SPEED.name in self._has else []
        if not self.controller.has_gate:
            works += [self._turn(), self._reject()] if REJECT.name in self._has else []
        tasks = [asyncio.create_task(work, name="simulated machine") for work in works]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)

    async def _turn(self) -> None:
        now_s = asyncio.get_running_loop().time
        at_s = now_s()
        while True:
            await asyncio.sleep(TICK_S)
            at_s, before_s = now_s(), at_s
            if not await self.controller.get(STOP.name):
                self._pulses += PULSES_PER_S * (at_s - before_s)
                await self.controller.set(BELT.name, int(self._pulses) % 2**32)

    async def _reject(self) -> None:
        moving: set[asyncio.Task[None]] = set()
        try:
            while True:
                await self.controller.rises(REJECT.name)
                move = asyncio.create_task(self._drop())
                moving.add(move)
                move.add_done_callback(moving.discard)
        finally:
            for move in moving:
                move.cancel()

    async def _drop(self) -> None:
        await asyncio.sleep(GATE_DELAY_S)
        await self._bin.pass_by()

    async def _sees(self, on: bool) -> None:
        await self.controller.set(BIN.name, on)

    async def _saw(self) -> None:
        await self.controller.told(BIN.name)

    async def _fill(self) -> None:
        share = 1 - math.exp(-FILLER_TICK_S / WARMING_S)
        warm = float(await self.controller.get(TEMPERATURE.name))
        while True:
            wanted = float(await self.controller.get(SETPOINT.name))
            warm += (wanted - warm) * share
            await self.controller.set(TEMPERATURE.name, round(warm + self._wobble(), 2))
            runs = self.running and not await self._is_stopped()
            speed = self.speed * (1 + self._wobble() / 50) if runs else 0.0
            await self.controller.set(SPEED.name, round(speed, 1))
            await asyncio.sleep(FILLER_TICK_S)

    async def _is_stopped(self) -> bool:
        return STOP.name in self._has and bool(await self.controller.get(STOP.name))

    def _wobble(self) -> float:
        return self._random.uniform(-WOBBLE, WOBBLE)


def words_of(controller: Controller) -> dict[str, Word]:
    return {
        "list": Word(_list(controller), "all values"),
        "get": Word(_get(controller), "one value", "name"),
        "set": Word(_set(controller), "as if it had become so by itself", "name value"),
        **controller.faulty.words(),
    }


def _list(controller: Controller) -> Act:
    async def act(words: Sequence[str]) -> str:
        none(words)
        shown = [f"{one.name}={await controller.get(one.name)}" for one in controller.points]
        return " ".join(shown)

    return act


def _get(controller: Controller) -> Act:
    async def act(words: Sequence[str]) -> str:
        return str(await controller.get(named(controller.points, only(words)).name))

    return act


def _set(controller: Controller) -> Act:
    async def act(words: Sequence[str]) -> None:
        name, text = words
        point = named(controller.points, name)
        await controller.set(name, value_of(point, text))

    return act

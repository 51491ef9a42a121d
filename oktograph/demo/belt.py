"""The demo's belt: bottles that one scanner reads, and a moment later the next one."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from typing import Final

from drivers.scanners.simulation import Code
from oktograph.simulation.bottles import Bottle

TRAVEL_S: Final = 1.5
# A bottle that nobody was there to read in time has gone by.
LATE_S: Final = 1.0


class Belt:
    """Bottles come once it has `begun`, and stand still while it is stopped. `on_change` is told
    when that changes. What travels is told in seconds that the belt has run."""

    def __init__(self, bottles: Iterator[Bottle], travel_s: float = TRAVEL_S) -> None:
        self.begun = asyncio.Event()
        self.on_change: Callable[[bool], None] = lambda running: None
        self._bottles = bottles
        self._travel_s = travel_s
        self._on_way: deque[tuple[float, Bottle]] = deque()
        self._running = True
        self._ran_s = 0.0
        self._since_s: float | None = None
        self._changed = asyncio.Event()

    @property
    def running(self) -> bool:
        return self._running

    def run(self, running: bool) -> None:
        if running is self._running:
            return
        self._ran_s, self._since_s = self.ran_s, _now_s()
        self._running = running
        self._wake()
        self.on_change(running)

    @property
    def ran_s(self) -> float:
        if self._since_s is None:
            self._since_s = _now_s()
        return self._ran_s + (_now_s() - self._since_s if self._running else 0.0)

    async def at_infeed(self) -> AsyncGenerator[Code, None]:
        """A bottle is under way once its code was taken."""
        await self.begun.wait()
        for bottle in self._bottles:
            yield bottle.infeed
            self._on_way.append((self.ran_s + self._travel_s, bottle))
            self._wake()

    async def at_gate(self) -> AsyncGenerator[Code, None]:
        while True:
            due_s, bottle = await self._next()
            if self.ran_s - due_s < LATE_S:
                yield bottle.gate

    async def _next(self) -> tuple[float, Bottle]:
        while True:
            self._changed.clear()
            wait_s = None
            if self._on_way and self._running:
                wait_s = self._on_way[0][0] - self.ran_s
                if wait_s <= 0:
                    return self._on_way.popleft()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()


def _now_s() -> float:
    return asyncio.get_running_loop().time()

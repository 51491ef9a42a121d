"""What goes wrong with a simulated device again and again: it falls silent, it hangs up."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from oktograph.simulation.console import Act, Word, none

Fault = Callable[[], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class Faulty:
    """`stall` holds back all that a device says until `resume`; `cut` ends its connections, None
    where it has none."""

    stall: Fault
    resume: Fault
    cut: Fault | None = None

    def words(self) -> dict[str, Word]:
        found = {
            "stall": Word(act_of(self.stall), "falls silent, with its connections open"),
            "resume": Word(act_of(self.resume), "speaks again"),
        }
        return found if self.cut is None else found | {"cut": Word(act_of(self.cut), "hangs up")}


@dataclass(frozen=True, slots=True)
class Misfortunes:
    """In seconds; 0 is never."""

    stall_every_s: float = 0.0
    stall_for_s: float = 5.0
    cut_every_s: float = 0.0

    @asynccontextmanager
    async def befalling(self, device: Faulty) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(each) for each in self._of(device)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)

    def _of(self, device: Faulty) -> list[Coroutine[Any, Any, None]]:
        found = [self._stalling(device)] if self.stall_every_s else []
        if self.cut_every_s and device.cut is not None:
            found.append(self._cutting(device.cut))
        return found

    async def _stalling(self, device: Faulty) -> None:
        while True:
            await asyncio.sleep(self.stall_every_s)
            await _do(device.stall)
            await asyncio.sleep(self.stall_for_s)
            await _do(device.resume)

    async def _cutting(self, cut: Fault) -> None:
        while True:
            await asyncio.sleep(self.cut_every_s)
            await _do(cut)


def act_of(fault: Fault) -> Act:
    """A word that takes nothing more."""

    async def act(words: Sequence[str]) -> None:
        none(words)
        await _do(fault)

    return act


async def _do(fault: Fault) -> None:
    done = fault()
    if inspect.isawaitable(done):
        await done

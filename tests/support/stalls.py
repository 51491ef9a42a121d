"""An event loop on whose clock a machine that stands still costs nothing."""

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class _CountedWaits(selectors.DefaultSelector):
    """`waited_s`: for as long as was asked at most, each time."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        began_s = time.monotonic()
        found = super().select(timeout)
        if timeout is not None:
            self.waited_s += min(time.monotonic() - began_s, max(0.0, timeout))
        return found


class StallFreeLoop(asyncio.SelectorEventLoop):
    """Its clock counts what it waited for, and never runs past the next timer: what is due at two
    times comes at two turns, and what lies in a socket is read between them."""

    def __init__(self) -> None:
        self._waits = _CountedWaits()
        super().__init__(self._waits)

    def time(self) -> float:
        return self._waits.waited_s


def run_without_stalls(work: Coroutine[Any, Any, Result]) -> Result:
    with asyncio.Runner(loop_factory=StallFreeLoop) as runner:
        return runner.run(work)

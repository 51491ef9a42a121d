"""Deadlines of peers that do not run out while we were the ones who did not listen.

A process that was held up (a disk that stalls, a machine that stands still for a second) finds at
its next breath both that a deadline has passed and that the answer lies in its socket. It reads
what lies there before it calls anybody silent.
"""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

LATE_S: Final = 0.02
"""A loop that is less late than this was not held up: it was busy."""
LAST_LOOK: Final = 0.05
"""Of the time itself, `LATE_S` at most: for what came in the very moment."""


class Patience:
    """`asyncio.timeout`, prolonged by as long as the loop was late to see it run out, altogether by
    no more than the time itself, and in any case by a last look at what came in that moment.

    Raises TimeoutError: also where the block makes a kind of its own of the cancellation, as
    `wait_for2` does when the answer comes with it: `asyncio.timeout` of Python 3.11 takes that for
    somebody's wish. Any other such kind leaves as the plain one."""

    __slots__ = ("_due_s", "_granted_s", "_handle", "_limit", "_loop", "_timeout_s")

    def __init__(self, timeout_s: float | None) -> None:
        self._timeout_s = timeout_s
        self._granted_s = 0.0

    async def __aenter__(self) -> Self:
        self._limit = asyncio.timeout(None)
        await self._limit.__aenter__()
        self._handle: asyncio.TimerHandle | None = None
        if self._timeout_s is not None:
            self._loop = asyncio.get_running_loop()
            self._wait(self._timeout_s)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._handle is not None:
            self._handle.cancel()
        if not isinstance(error, asyncio.CancelledError) or kind is asyncio.CancelledError:
            await self._limit.__aexit__(kind, error, trace)
            return
        plain = asyncio.CancelledError()
        plain.__cause__ = error
        await self._limit.__aexit__(asyncio.CancelledError, plain, trace)
        raise plain

    def _wait(self, for_s: float) -> None:
        self._due_s = self._loop.time() + for_s
        self._handle = self._loop.call_at(self._due_s, self._due)

    def _due(self) -> None:
        now_s, timeout_s = self._loop.time(), self._timeout_s or 0.0
        late_s = now_s - self._due_s
        if late_s < LATE_S:
            late_s = 0.0 if self._granted_s else min(LATE_S, LAST_LOOK * timeout_s)
        grant_s = min(late_s, timeout_s - self._granted_s)
        if grant_s <= 0:
            self._limit.reschedule(now_s)
            return
        self._granted_s += grant_s
        self._wait(grant_s)


def patient(timeout_s: float | None) -> Patience:
    """For an `async with`; None for no deadline."""
    return Patience(timeout_s)


async def elapsed(for_s: float) -> None:
    """Returns after as long, in which we listened."""
    with suppress(TimeoutError):
        async with patient(for_s):
            await asyncio.get_running_loop().create_future()

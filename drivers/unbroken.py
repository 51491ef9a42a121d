"""Changes made one after another, each to its end: whoever asked for one may go meanwhile."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog

from domain.kernel.errors import Unavailable

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
Answer = TypeVar("Answer")


class Unbroken:
    """For changes that half done leave a thing in no state at all. `name` says of what, in logs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._turn = asyncio.Lock()
        self._running: asyncio.Task[Any] | None = None
        self._closed = False

    async def run(self, work: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """What `work` answers or raises; it must not call this again. Cancelled before its turn
        has come, it never begins. From then on it is not broken off: the caller goes at once, and
        whoever comes next waits for its end. Raises Unavailable once closed."""
        await self._turn.acquire()
        if self._closed:
            self._turn.release()
            raise Unavailable(f"The {self.name} is being stopped")
        # Nobody but us may hold it once the caller has gone, and the loop's own hold is weak.
        task = self._running = asyncio.create_task(work(), name=self.name)
        task.add_done_callback(self._ended)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(self._unheard)
            raise

    async def close(self) -> None:
        """Returns once what runs has ended. What still waits for its turn is refused."""
        self._closed = True
        async with self._turn:
            return

    def _ended(self, _: asyncio.Task[Any]) -> None:
        self._running = None
        self._turn.release()

    def _unheard(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("change_failed_unheard", change=self.name, exc_info=error)

"""Work that comes back: run, wait, run again; a failure is logged and does not end it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from domain.kernel.errors import DomainError

logger = structlog.get_logger(__name__)


class Periodic:
    """One task. `run` may raise DomainError (tried again next time); anything else is a defect
    and is logged with its traceback, and tried again all the same."""

    def __init__(self, name: str, interval_s: float, run: Callable[[], Awaitable[object]]) -> None:
        self._name = name
        self._interval_s = interval_s
        self._run = run
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._loop(), name=self._name)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _loop(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                await self._run()
            except DomainError as error:
                logger.warning("periodic work failed", work=self._name, cause=error.message)
            except Exception:
                logger.exception("periodic work broke", work=self._name)

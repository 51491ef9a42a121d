"""Tasks that live as long as the runtime."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import structlog

from domain.kernel.errors import DomainError
from drivers.backoff import BackoffPolicy

logger = structlog.get_logger(__name__)
_BACKOFF: Final = BackoffPolicy(base_s=0.5, cap_s=30.0)

Work = Callable[[], Coroutine[Any, Any, object]]


def background(work: Work, name: str) -> Callable[[], Awaitable[None]]:
    """Starts `work`; the answer stops it. One that ends by itself is a defect and is logged; one
    that breaks is logged and begins again, since what it is for (delivery, presence, retention)
    must not be over for good because of one bad moment."""
    task = asyncio.create_task(_watched(work, name), name=name)

    async def stop() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    return stop


async def _watched(work: Work, name: str) -> None:
    now_s, failures = asyncio.get_running_loop().time, 0
    while True:
        began_s = now_s()
        try:
            await work()
        except Exception:
            failures = 1 if now_s() - began_s >= _BACKOFF.stable_s else failures + 1
            logger.exception("background work broke", work=name, failures=failures)
            _heed_stop()
        else:
            logger.error("background work ended", work=name)
            return
        await asyncio.sleep(_BACKOFF.delay_s(failures))


def _heed_stop() -> None:
    """Raises CancelledError where somebody cancelled this task. Work that breaks while it is
    stopped raises its own error in the cancellation's place, and that comes no second time."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def every(interval_s: float, run: Callable[[], Awaitable[object]], name: str) -> None:
    """Wait, run, again. A DomainError is tried again next time; so is anything else, with its
    traceback in the log."""
    while True:
        await asyncio.sleep(interval_s)
        try:
            await run()
        except DomainError as error:
            logger.warning("periodic work failed", work=name, cause=error.message)
        except Exception:
            logger.exception("periodic work broke", work=name)
        _heed_stop()

"""Tasks that live as long as the runtime."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from domain.kernel.errors import DomainError

logger = structlog.get_logger(__name__)


Work = Callable[[], Coroutine[Any, Any, object]]


def background(work: Work, name: str) -> Callable[[], Awaitable[None]]:
    """Starts `work`; the answer stops it. One that ends by itself is a defect and is logged."""
    task = asyncio.create_task(_watched(work, name), name=name)

    async def stop() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    return stop


async def _watched(work: Work, name: str) -> None:
    try:
        await work()
    except Exception:
        logger.exception("background work broke", work=name)
    else:
        logger.error("background work ended", work=name)


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

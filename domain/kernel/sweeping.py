"""What time brings about, looked for again and again."""

import asyncio
from collections.abc import Awaitable, Callable
from logging import Logger
from typing import NoReturn

from domain.kernel.errors import DomainError


async def sweep_for_ever(
    sweep: Callable[[], Awaitable[object]], pause_s: float, logger: Logger, failed: str
) -> NoReturn:
    """Until cancelled, after each pause. Storage that is away is waited for; the log has `failed`
    and why."""
    while True:
        await asyncio.sleep(pause_s)
        try:
            await sweep()
        except DomainError as error:
            logger.warning("%s: %s", failed, error.message)

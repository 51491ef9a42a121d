"""Several things at once of which the first to end ends them all."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def first_end(*work: Coroutine[Any, Any, None]) -> None:
    """Raises what the first one raised. Returns once all have ended; cancelled, they are too."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if task in ended:
            task.result()

"""Waiting for something to become true, with a deadline instead of a guess."""

import asyncio
from collections.abc import Callable

DEADLINE_S = 10.0


async def eventually(holds: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
    """Raises TimeoutError where it does not come true in time."""
    async with asyncio.timeout(deadline_s):
        # Counters have no event to wait on, and should not grow one for the tests.
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def unchanging(value: Callable[[], object], for_s: float = 0.3) -> None:
    """Waits until it has kept one value for so long; raises TimeoutError where it never does."""
    now_s = asyncio.get_running_loop().time
    held, since_s = value(), now_s()

    def settled() -> bool:
        nonlocal held, since_s
        if value() != held:
            held, since_s = value(), now_s()
        return now_s() - since_s >= for_s

    await eventually(settled)

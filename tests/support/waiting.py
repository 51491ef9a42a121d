"""Waiting for something to become true, with a deadline instead of a guess."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

DEADLINE_S = 10.0
FIRST_S = 0.002
GROWTH = 1.25
LONGEST_S = 0.05
Answer = TypeVar("Answer")


async def looks(deadline_s: float) -> AsyncIterator[float]:
    """Each is a time to look again, soon at first: what is asked all the time of a busy machine
    comes true later. It is the pause in seconds that was asked for before; a machine that stood
    still made it longer. Raises TimeoutError at the deadline.

    What tests wait for has no event of its own, and should not grow one for them."""
    now_s = asyncio.get_running_loop().time
    end_s, next_s = now_s() + deadline_s, FIRST_S
    yield 0.0
    while (left_s := end_s - now_s()) > 0:
        pause_s, next_s = min(next_s, left_s), min(next_s * GROWTH, LONGEST_S)
        await asyncio.sleep(pause_s)
        yield pause_s
    raise TimeoutError


async def eventually(holds: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
    """Raises TimeoutError where it does not come true in time."""
    async for _ in looks(deadline_s):
        if holds():
            return


async def good_answer(
    ask: Callable[[], Awaitable[Answer]],
    is_good: Callable[[Answer], bool],
    deadline_s: float = DEADLINE_S,
) -> Answer:
    """The first good one. Raises TimeoutError where none comes in time."""
    async with asyncio.timeout(deadline_s):
        async for _ in looks(deadline_s):
            found = await ask()
            if is_good(found):
                return found
    raise TimeoutError


async def until(holds: Callable[[], Awaitable[bool]], deadline_s: float = DEADLINE_S) -> None:
    """`eventually`, for what has to be asked of somebody."""
    await good_answer(holds, bool, deadline_s)


async def unchanging(value: Callable[[], object], for_s: float = 0.3) -> None:
    """Waits until it has kept one value for so long; raises TimeoutError where it never does. Time
    in which nothing ran does not count: nothing could have changed."""
    held, quiet_s = value(), 0.0
    async for pause_s in looks(DEADLINE_S):
        found = value()
        quiet_s = quiet_s + pause_s if found == held else 0.0
        held = found
        if quiet_s >= for_s:
            return

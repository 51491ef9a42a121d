"""Waiting for something to become true, with a deadline instead of a guess."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

DEADLINE_S = 10.0
FIRST_S = 0.002
GROWTH = 1.25
LONGEST_S = 0.05
Answer = TypeVar("Answer")


async def looks(deadline_s: float) -> AsyncIterator[None]:
    """Each is a time to look again, soon at first: what is asked all the time of a busy machine
    comes true later. Raises TimeoutError at the deadline.

    What tests wait for has no event of its own, and should not grow one for them."""
    now_s = asyncio.get_running_loop().time
    end_s, pause_s = now_s() + deadline_s, FIRST_S
    yield
    while now_s() < end_s:
        await asyncio.sleep(min(pause_s, end_s - now_s()))
        pause_s = min(pause_s * GROWTH, LONGEST_S)
        yield
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
    """Waits until it has kept one value for so long; raises TimeoutError where it never does."""
    now_s = asyncio.get_running_loop().time
    held, since_s = value(), now_s()

    def settled() -> bool:
        nonlocal held, since_s
        if value() != held:
            held, since_s = value(), now_s()
        return now_s() - since_s >= for_s

    await eventually(settled)

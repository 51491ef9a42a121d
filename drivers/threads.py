"""Blocking work off the loop that must not be left running behind its caller's back."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


async def completed(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """In a thread. A cancellation takes effect when the thread has ended, so that nothing that
    follows meets it half way."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait({work})
        if not work.cancelled():
            work.exception()  # seen: the cancellation is what counts
        raise

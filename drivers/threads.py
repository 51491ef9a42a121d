"""Blocking work off the loop that must not be left running behind its caller's back."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from threading import Thread
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


async def left_alone(
    grace_s: float, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """In a thread, for a call to a peer that may not answer for long. A cancellation waits for the
    thread for `grace_s` more and then leaves it to itself: it holds up neither the caller nor the
    end of the process, nor does it take a place among the threads of others.

    The price: foreign code that comes back in the very moment in which the interpreter ends
    aborts it, after everything else was closed. It is paid only for a call that was left."""
    work = asyncio.wrap_future(_started(partial(function, *args, **kwargs)))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        try:
            await asyncio.wait({work}, timeout=grace_s)
        finally:
            work.cancel()  # nobody hears its answer any more
        raise


def _started(function: Callable[[], R]) -> Future[R]:
    told: Future[R] = Future()
    told.set_running_or_notify_cancel()

    def work() -> None:
        try:
            answer = function()
        except BaseException as error:  # noqa: BLE001 - told to whoever waits
            told.set_exception(error)
        else:
            told.set_result(answer)

    Thread(target=work, name="left alone", daemon=True).start()
    return told

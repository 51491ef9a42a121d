"""Conversations with those who call: none outlives its task."""

import asyncio
from collections.abc import Callable, Coroutine


def attended(
    talk: Coroutine[object, object, None], hang_up: Callable[[], None]
) -> asyncio.Task[None]:
    """A task of its own, after whose end `hang_up` is called. Also where it was cancelled before
    its first step, so that nothing within `talk` could run: that is the lot of whoever is taken
    in the moment in which a server closes, whose connection would stay open for nobody."""
    task = asyncio.create_task(talk)
    task.add_done_callback(lambda _: hang_up())
    return task

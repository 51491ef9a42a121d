"""Conversations with those who call: none outlives its task, and none comes after the last."""

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


async def shut(server: asyncio.Server) -> None:
    """Takes no more calls. Those that the loop had begun to take are taken by then, so that whoever
    ends the conversations afterwards has all of them: it makes a task of each, which makes a
    transport, which tells the server's protocol. A server that is closed between the first and
    the second of these leaves the connection to nobody."""
    loop = asyncio.get_running_loop()
    for listener in server.sockets:
        loop.remove_reader(listener.fileno())
    for _ in range(3):
        await asyncio.sleep(0)
    server.close()

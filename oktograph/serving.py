"""uvicorn, several servers in one process, one clean end on SIGTERM or Ctrl-C."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

GRACE_S = 3


class Server(uvicorn.Server):
    """Leaves the signals to `serve_all`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server(app: ASGIApp, host: str, port: int) -> Server:
    """uvloop and httptools; no access log (metrics count), no lifespan (the runtime lives)."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        lifespan="off",
        access_log=False,
        log_config=None,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=1024 * 1024,
        # Deflate costs twice the CPU of sending a small message as it is.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
    )
    return Server(config)


async def serve_all(servers: list[Server]) -> None:
    """Until a signal, or until one of them ends by itself; then all end."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    tasks = [asyncio.create_task(one.serve()) for one in servers]
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        for one in servers:
            one.should_exit = True
        await asyncio.gather(*tasks)

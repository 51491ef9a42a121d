"""uvicorn, several servers in one process, one clean end on SIGTERM or Ctrl-C."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from oktograph.web.connections import Bounds, HttpConnection, WebSocketConnection, sweep

GRACE_S = 3
BACKLOG = 2048
UNREAD_BYTES = 256 * 1024
TICKS_PER_SWEEP = 10
"""uvicorn ticks ten times a second."""
COLLECTOR_THRESHOLDS: Final = (700, 10, 10)
"""Python's own; starting has others."""


class PortTaken(Exception):
    """The address cannot be listened on."""


class Server(uvicorn.Server):
    """Listens from the moment it is made, or takes from a `listener` that it shares with others;
    leaves the signals to `serve_all`."""

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        port: int,
        bounds: Bounds | None = None,
        listener: socket.socket | None = None,
    ) -> None:
        super().__init__(_config(app))
        self._bounds = bounds or Bounds()
        self.listener = listener or listen(host, port)
        self.port: int = self.listener.getsockname()[1]

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS_PER_SWEEP == 0:
            sweep(self.server_state.connections, self._bounds, asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def run_until_told(self) -> None:
        await self.serve(sockets=[self.listener])


def _config(app: ASGIApp) -> uvicorn.Config:
    """uvloop and httptools; no access log (metrics count), no lifespan (the runtime lives)."""
    return uvicorn.Config(
        app,
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="warning",
        http=HttpConnection,
        ws=WebSocketConnection,
        ws_max_size=1024 * 1024,
        # Deflate costs twice the CPU of sending a small message as it is.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
        # A request that was sent before the one ahead of it was answered would start with what that
        # one has set.
        reset_contextvars=True,
    )


def listen(host: str, port: int) -> socket.socket:
    """Raises PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio would leave Nagle's algorithm on: 40 ms for some answers.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit it. Left alone, the kernel keeps up to 4 MB for each reader that has
    # stopped reading, and so long nobody notices; the price is 256 kB a round trip at most.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTaken(f"cannot listen on {host}:{port}: {error.strerror}") from error
    listener.setblocking(False)
    return listener


async def serve_all(
    servers: list[Server],
    before_stop: Callable[[], Awaitable[None]],
    stop: asyncio.Event | None = None,
) -> None:
    """Until a signal or `stop`, or until one of them ends by itself; then all end. `before_stop`
    lets go of what would keep connections open: streams never end by themselves."""
    _settle()
    loop = asyncio.get_running_loop()
    stop = stop or asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    tasks = [asyncio.create_task(one.run_until_told()) for one in servers]
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        await before_stop()
        for one in servers:
            one.should_exit = True
        await asyncio.gather(*tasks)


def _settle() -> None:
    """What was built until now stays for good: the collector need not walk it again and again,
    which would put a pause of 50 ms into the slowest answers."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)

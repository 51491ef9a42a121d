"""An ASGI application on a socket, as uvicorn serves it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from tests.support.waiting import eventually


class _Server(uvicorn.Server):
    """Leaves the signals to pytest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def on_port(app: ASGIApp, port: int = 0, **settings: Any) -> AsyncIterator[int]:
    """On loopback; the port, a free one for 0. `settings` are uvicorn's own."""
    given = {"log_config": None, "lifespan": "off", "timeout_graceful_shutdown": 2} | settings
    listener = socket.create_server(("127.0.0.1", port))
    server = _Server(uvicorn.Config(app, **given))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await eventually(lambda: server.started or serving.done())
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await serving
        listener.close()

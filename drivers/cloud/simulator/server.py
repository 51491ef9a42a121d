"""The simulated cloud on a real socket, in this process, with its faults in front."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drivers.cloud.simulator.app import cloud_app, failure
from drivers.cloud.simulator.faults import CannedFailure, DropPoint
from drivers.cloud.simulator.state import CallRecord, CloudState

BACKLOG = 128
STOP_GRACE_S = 2
KEEPALIVE_S = 60


@dataclass(frozen=True, slots=True)
class RunningCloud:
    url: str
    port: int
    state: CloudState


@contextlib.asynccontextmanager
async def running_cloud(
    port: int = 0, state: CloudState | None = None, *, host: str = "127.0.0.1"
) -> AsyncIterator[RunningCloud]:
    """Accepts calls from the first line of the body on. Port 0 takes a free one.

    Raises OSError where the address is taken. At the end waiting calls are let go.
    """
    state = state or CloudState()
    listener = _listening(host, port)
    server = CloudServer(state)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await _first(server.ready.wait(), serving)
        bound = listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        yield RunningCloud(f"http://{shown}:{bound}", bound, state)
    finally:
        state.faults.release()
        server.should_exit = True
        await serving
        listener.close()


async def serve_cloud(host: str, port: int, state: CloudState | None = None) -> None:
    """Serves until cancelled."""
    async with running_cloud(port, state, host=host):
        await asyncio.Event().wait()


class CloudServer(uvicorn.Server):
    """A uvicorn that leaves signals and logging to the process which it runs in."""

    def __init__(self, state: CloudState) -> None:
        self.ready = asyncio.Event()
        app = FaultyCloud(state, cloud_app(state), self)
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_keep_alive=KEEPALIVE_S,
                timeout_graceful_shutdown=STOP_GRACE_S,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    def reset(self, client: tuple[str, int]) -> None:
        """Cuts the connection of this peer at once, with whatever was not sent yet."""
        for connection in tuple(self.server_state.connections):
            if getattr(connection, "client", None) == client:
                connection.transport.abort()


class FaultyCloud:
    """ASGI: notes each request, then lets the faults that are switched on have their turn."""

    def __init__(self, state: CloudState, app: ASGIApp, server: CloudServer) -> None:
        self._state = state
        self._app = app
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._note(scope)
        await self._state.faults.hold()
        fault = self._state.faults.take()
        if fault is None:
            await self._app(scope, receive, send)
        elif isinstance(fault, CannedFailure):
            await _answer(fault, scope, receive, send)
        else:
            await self._drop(fault, scope, receive, send)

    async def _drop(self, point: DropPoint, scope: Scope, receive: Receive, send: Send) -> None:
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        if point is not DropPoint.BEFORE:
            await self._app(scope, receive, keep)
        if point is DropPoint.MID_ANSWER:
            await send(answer[0])
            half = answer[1]["body"][: len(answer[1]["body"]) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
        self._server.reset(scope["client"])
        while (await receive())["type"] != "http.disconnect":
            continue

    def _note(self, scope: Scope) -> None:
        headers = dict(scope["headers"])
        record = CallRecord(
            method=scope["method"],
            path=scope["path"],
            peer_port=scope["client"][1],
            content_encoding=headers.get(b"content-encoding", b"identity").decode("latin-1"),
        )
        self._state.calls.append(record)


async def _answer(fault: CannedFailure, scope: Scope, receive: Receive, send: Send) -> None:
    response = failure(fault.status, "SERVICE_UNAVAILABLE", "A fault was switched on")
    if fault.body is not None:
        response.body = fault.body
        response.headers["content-length"] = str(len(fault.body))
        response.headers["content-type"] = fault.content_type
    if fault.retry_after_s is not None:
        response.headers["retry-after"] = str(fault.retry_after_s)
    await response(scope, receive, send)


async def _first(ready: Coroutine[Any, Any, object], serving: asyncio.Task[None]) -> None:
    """Raises what ended the server, where it ended before it was ready."""
    waiting = asyncio.create_task(ready)
    await asyncio.wait({waiting, serving}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        waiting.cancel()
        serving.result()


def _listening(host: str, port: int) -> socket.socket:
    """Names TCP: without it asyncio leaves Nagle on, at 40 ms for an answer in two writes."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener

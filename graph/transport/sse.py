"""Server-sent events, in the distinct connections mode of the GraphQL-over-SSE protocol.

One request, one operation: `next` events with results, then `complete`. An event of a stream with
cursors has its cursor as `id`, and `Last-Event-ID` resumes there. What refuses the request before
a stream exists is answered as plain HTTP; later errors are a `next` with `errors` only.
"""

import asyncio
import time
from contextlib import aclosing, suppress
from typing import Final

from graphql import OperationType
from starlette.types import Receive, Send

from domain.kernel.errors import Unauthorized
from graph.errors import RequestRefused, is_stopping
from graph.execution import (
    Engine,
    EngineContext,
    GraphQLRequest,
    PreparedRequest,
    fault,
    refused_result,
    serialise,
)
from graph.transport.settings import TransportSettings

COMPLETE: Final = b"event: complete\ndata:\n\n"
HEARTBEAT: Final = b":\n\n"
HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


class ClientLeft(Exception):
    """The connection is gone; there is nobody to tell."""


class EventStream:
    """Answers requests that accept `text/event-stream`."""

    def __init__(self, engine: Engine, settings: TransportSettings) -> None:
        self._engine = engine
        self._settings = settings

    async def serve(
        self,
        request: GraphQLRequest,
        context: EngineContext,
        last_event_id: str | None,
        method: str,
        receive: Receive,
        send: Send,
    ) -> bool:
        """False if there is nothing to stream: the document is refused, or a mutation by GET."""
        try:
            prepared = self._engine.prepare(request)
        except RequestRefused:
            return False
        if prepared.kind is OperationType.MUTATION and method == "GET":
            return False
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        response = _Response(send, self._settings)
        pump = asyncio.create_task(self._pump(response, prepared, context, last_event_id))
        tasks = {pump, asyncio.create_task(_left(receive)), asyncio.create_task(response.watch())}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            response.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return True

    async def _pump(
        self,
        response: "_Response",
        request: PreparedRequest,
        context: EngineContext,
        last_event_id: str | None,
    ) -> None:
        with suppress(ClientLeft):
            deadline = asyncio.timeout(_remaining_s(context))
            try:
                async with deadline:
                    await self._send_results(response, request, context, last_event_id)
            except ClientLeft:
                raise
            except Exception as error:  # noqa: BLE001 - told to the subscriber, logged if masked
                if is_stopping(error):
                    # Without `complete`: the client then knows that there is more, and comes back.
                    await response.send(b"", more=False)
                    return
                expired = Unauthorized("The token has expired")
                await response.error(expired if deadline.expired() else error, context)
            await response.send(COMPLETE, more=False)

    async def _send_results(
        self,
        response: "_Response",
        request: PreparedRequest,
        context: EngineContext,
        last_event_id: str | None,
    ) -> None:
        if request.kind is not OperationType.SUBSCRIPTION:
            result = await self._engine.execute(request, context)
            await response.next(serialise(result, context.correlation_id))
            return
        cursor = self._engine.streams.fanout.tail.cursor
        stream = await self._engine.subscription(request, context, last_event_id)
        async with aclosing(stream):
            async for delivery in stream:
                last = cursor(delivery.seq) if delivery.seq else None
                await response.next(delivery.body.encode(), last)


class _Response:
    """An open event stream: what is sent, and whether it gets through."""

    def __init__(self, send: Send, settings: TransportSettings) -> None:
        self._send = send
        self._settings = settings
        self._started = 0
        self._finished = 0
        self._beat: asyncio.Task[None] | None = None

    async def next(self, body: bytes, event_id: str | None = None) -> None:
        head = (
            b"event: next\n" if event_id is None else b"event: next\nid: %b\n" % event_id.encode()
        )
        await self.send(b"%bdata: %b\n\n" % (head, body))

    async def error(self, error: Exception, context: EngineContext) -> None:
        if isinstance(error, RequestRefused):
            result = refused_result(error, context.correlation_id)
        else:
            result = {"errors": [fault(error, context.correlation_id)]}
        await self.next(serialise(result, context.correlation_id))

    async def send(self, chunk: bytes, *, more: bool = True) -> None:
        self._started += 1
        try:
            await self._send({"type": "http.response.body", "body": chunk, "more_body": more})
        except OSError as error:
            raise ClientLeft from error
        self._finished += 1

    async def watch(self) -> None:
        """Sends heartbeats; returns when the socket took nothing for the drain timeout."""
        silent_s = stuck_s = 0.0
        pause_s = min(self._settings.heartbeat_s, self._settings.drain_timeout_s) / 2
        while stuck_s < self._settings.drain_timeout_s:
            before = self._finished
            await asyncio.sleep(pause_s)
            moved = self._finished != before
            stuck_s = 0.0 if moved or self._started == before else stuck_s + pause_s
            silent_s = 0.0 if moved else silent_s + pause_s
            if silent_s >= self._settings.heartbeat_s and self._started == self._finished:
                silent_s = 0.0
                self._beat = asyncio.create_task(self._heartbeat())

    async def _heartbeat(self) -> None:
        # A task of its own: on a full socket it waits, and the watch must go on counting.
        with suppress(ClientLeft):
            await self.send(HEARTBEAT)

    def stop(self) -> None:
        if self._beat is not None:
            self._beat.cancel()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _remaining_s(context: EngineContext) -> float | None:
    if context.expires_at_us is None:
        return None
    return context.expires_at_us / 1e6 - time.time()

"""One connection of `graphql-transport-ws`, from its acceptance to its close."""

import asyncio
import logging
import time
from asyncio import TimerHandle
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any, Final

import orjson
from graphql import OperationType
from starlette.requests import HTTPConnection
from starlette.types import Receive, Send

from domain.kernel.errors import DomainError, RateLimited, Unavailable, ValidationFailed
from graph.errors import (
    FormattedError,
    RequestRefused,
    domain_error,
    format_request_errors,
    is_stopping,
)
from graph.execution import (
    Engine,
    EngineContext,
    GraphQLRequest,
    PreparedRequest,
    fault,
    serialise,
)
from graph.transport.requests import from_parameters
from graph.transport.settings import ContextFactory, TransportSettings

CLOSE_GRACE_S: Final = 5.0
MAX_REASON_BYTES: Final = 123  # what a close frame has room for
logger = logging.getLogger(__name__)


class Closing(Exception):
    """The server ends the connection, and says why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


class ClientLeft(Exception):
    """The socket is gone; there is nobody to tell."""


class Session:
    """Reads messages in order; every operation is a task of its own."""

    def __init__(
        self,
        engine: Engine,
        context_factory: ContextFactory,
        settings: TransportSettings,
        connection: HTTPConnection,
        receive: Receive,
        send: Send,
    ) -> None:
        self._engine = engine
        self._context_factory = context_factory
        self._settings = settings
        self._connection = connection
        self._receive = receive
        self._raw_send = send
        self._context: EngineContext | None = None
        self._initialised = False
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._loop = asyncio.get_running_loop()
        self._closing: asyncio.Future[Closing] = self._loop.create_future()
        self._timers: dict[str, TimerHandle] = {}
        self._started = 0
        self._finished = 0
        self._handlers: dict[str, Callable[[dict[str, Any]], Awaitable[None]]] = {
            "connection_init": self._on_init,
            "subscribe": self._on_subscribe,
            "complete": self._on_complete,
            "ping": self._on_ping,
            "pong": self._on_pong,
        }

    async def run(self) -> None:
        """Returns when the connection is closed and all that it started has ended."""
        self._later("init", self._settings.init_timeout_s, 4408, "No connection_init came in time")
        self._watch_drain(0, 0.0)
        reader = asyncio.create_task(self._read(), name="graphql-ws-reader")
        ends: set[asyncio.Future[Any]] = {reader, self._closing}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            closing = self._outcome(reader)
            await self._stop(reader)
        if closing is not None:
            with suppress(OSError, TimeoutError, RuntimeError):
                async with asyncio.timeout(CLOSE_GRACE_S):
                    await self._raw_send(
                        {"type": "websocket.close", "code": closing.code, "reason": closing.reason}
                    )

    def _outcome(self, reader: asyncio.Task[None]) -> Closing | None:
        if self._closing.done():
            return self._closing.result()
        error = reader.exception() if reader.done() and not reader.cancelled() else None
        if error is None or isinstance(error, ClientLeft):
            return None
        if isinstance(error, Closing):
            return error
        logger.error("unexpected error on a WebSocket", exc_info=error)
        return Closing(4500, "Internal server error")

    async def _stop(self, reader: asyncio.Task[None]) -> None:
        for timer in self._timers.values():
            timer.cancel()
        tasks = [reader, *self._operations.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # timers

    def _later(self, name: str, delay_s: float, code: int, reason: str) -> None:
        self._timers[name] = self._loop.call_later(
            max(delay_s, 0), self._end, Closing(code, reason)
        )

    def _end(self, closing: Closing) -> None:
        if not self._closing.done():
            self._closing.set_result(closing)

    def _watch_drain(self, finished: int, stuck_s: float) -> None:
        """Two counters instead of a timeout around each send, which would cost more than it."""
        timeout_s = self._settings.drain_timeout_s
        blocked = self._started > self._finished and self._finished == finished
        stuck_s = stuck_s + timeout_s / 4 if blocked else 0.0
        if stuck_s >= timeout_s:
            self._end(Closing(1013, "The connection does not drain; resume from the last cursor"))
            return
        self._timers["drain"] = self._loop.call_later(
            timeout_s / 4, self._watch_drain, self._finished, stuck_s
        )

    # messages in

    async def _read(self) -> None:
        while True:
            received = await self._receive()
            if received["type"] == "websocket.disconnect":
                return
            message = self._message(received.get("text"))
            handler = self._handlers.get(message["type"])
            if handler is None:
                raise Closing(4400, "Unknown message type")
            await handler(message)

    def _message(self, text: str | None) -> dict[str, Any]:
        if text is None:
            raise Closing(4400, "Messages are text, not binary")
        if len(text) > self._settings.max_body_bytes:
            raise Closing(1009, "The message is too large")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise Closing(4400, "The message is not valid JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise Closing(4400, "The message is no object with a type")
        return message

    async def _on_init(self, message: dict[str, Any]) -> None:
        if self._initialised:
            raise Closing(4429, "Too many initialisation requests")
        self._initialised = True
        payload = _payload(message)
        given = payload.get("Authorization", payload.get("authorization"))
        if given is not None and not isinstance(given, str):
            raise Closing(4403, "Authorization must be a string")
        authorization = given or self._connection.headers.get("authorization") or None
        self._context = await self._authenticated(authorization)
        self._timers["init"].cancel()
        if self._context.expires_at_us is not None:
            remaining_s = self._context.expires_at_us / 1e6 - time.time()
            self._later("expiry", remaining_s, 4403, "The token has expired")
        await self._send('{"type":"connection_ack"}')

    async def _authenticated(self, authorization: str | None) -> EngineContext:
        try:
            return await self._context_factory(authorization, self._connection)
        except Unavailable as error:
            raise Closing(1013, error.message) from error
        except DomainError as error:
            raise Closing(4403, error.message) from error

    async def _on_ping(self, message: dict[str, Any]) -> None:
        payload = _payload(message)
        await self._send_message(
            {"type": "pong", "payload": payload} if payload else {"type": "pong"}
        )

    async def _on_pong(self, message: dict[str, Any]) -> None:
        _payload(message)

    async def _on_complete(self, message: dict[str, Any]) -> None:
        operation = self._operations.pop(_id(message), None)
        if operation is not None:
            operation.cancel()
            await asyncio.wait({operation})

    async def _on_subscribe(self, message: dict[str, Any]) -> None:
        if self._context is None:
            raise Closing(4401, "Unauthorized")
        operation_id = _id(message)
        if operation_id in self._operations:
            raise Closing(4409, f"Subscriber for {operation_id} already exists")
        try:
            request = from_parameters(message.get("payload"))
        except ValidationFailed as error:
            raise Closing(4400, error.message) from error
        if len(self._operations) >= self._settings.max_operations:
            full = RateLimited("Too many operations on this connection", retry_after_s=1)
            await self._send_errors(operation_id, [domain_error(full, None, "")])
            return
        context = self._context.fresh(self._context.actor)
        self._operations[operation_id] = asyncio.create_task(
            self._operate(operation_id, request, context), name="graphql-ws-operation"
        )

    # operations

    async def _operate(
        self, operation_id: str, request: GraphQLRequest, context: EngineContext
    ) -> None:
        with suppress(ClientLeft):
            errors = await self._run(operation_id, request, context)
            # The id is free before the client hears that it is.
            self._operations.pop(operation_id, None)
            if errors is None:
                await self._send_message({"id": operation_id, "type": "complete"})
            else:
                await self._send_errors(operation_id, errors)

    async def _run(
        self, operation_id: str, request: GraphQLRequest, context: EngineContext
    ) -> list[FormattedError] | None:
        """None when the operation is complete, else what ended it."""
        try:
            prepared = self._engine.prepare(request)
            if prepared.kind is OperationType.SUBSCRIPTION:
                await self._stream(operation_id, prepared, context)
                return None
            return await self._answer(operation_id, prepared, context)
        except ClientLeft:
            raise
        except Exception as error:
            if is_stopping(error):
                # An error would end the subscription for good; a restart makes clients come back.
                self._end(Closing(1012, "The service is stopping; resume from the last cursor"))
                raise ClientLeft from error
            return _told(error, context.correlation_id)

    async def _answer(
        self, operation_id: str, prepared: PreparedRequest, context: EngineContext
    ) -> list[FormattedError] | None:
        result = await self._engine.execute(prepared, context)
        if "data" not in result:
            errors: list[FormattedError] = result["errors"]
            return errors
        body = serialise(result, context.correlation_id).decode()
        await self._send(_next_prefix(operation_id) + body + "}")
        return None

    async def _stream(
        self, operation_id: str, prepared: PreparedRequest, context: EngineContext
    ) -> None:
        prefix = _next_prefix(operation_id)
        async with aclosing(await self._engine.subscription(prepared, context)) as stream:
            async for delivery in stream:
                await self._send(prefix + delivery.body + "}")

    # messages out

    async def _send(self, text: str) -> None:
        self._started += 1
        try:
            await self._raw_send({"type": "websocket.send", "text": text})
        except OSError as error:
            raise ClientLeft from error
        finally:
            self._finished += 1

    async def _send_message(self, message: dict[str, Any]) -> None:
        await self._send(orjson.dumps(message).decode())

    async def _send_errors(self, operation_id: str, errors: list[FormattedError]) -> None:
        await self._send_message({"id": operation_id, "type": "error", "payload": errors})


def _told(error: Exception, correlation_id: str) -> list[FormattedError]:
    """For the subscriber; what is masked there is logged."""
    if isinstance(error, RequestRefused):
        return format_request_errors(error, correlation_id)
    return [fault(error, correlation_id)]


def _next_prefix(operation_id: str) -> str:
    return f'{{"id":{orjson.dumps(operation_id).decode()},"type":"next","payload":'


def _id(message: dict[str, Any]) -> str:
    found = message.get("id")
    if not isinstance(found, str) or not found:
        raise Closing(4400, "The message needs an id")
    return found


def _payload(message: dict[str, Any]) -> dict[str, Any]:
    payload = message.get("payload")
    if payload is None:
        return {}
    if not isinstance(payload, dict):
        raise Closing(4400, "The payload must be an object")
    return payload

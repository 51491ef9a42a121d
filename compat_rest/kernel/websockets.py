"""The old systems' WebSockets: another reader of the event log, encoded once for all.

A token comes as `?token=`, as a subprotocol (`bearer, <token>`), in the Authorization header or in
the first message, since tokens in URLs reach logs. `?after=<cursor>` resumes, and makes every
message carry its `cursor`; without it a message looks exactly as it always did.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.datastructures import QueryParams
from starlette.websockets import WebSocket, WebSocketDisconnect

from compat_rest.kernel.auth import bearer_token, entry_of
from domain.kernel.errors import (
    DomainError,
    RateLimited,
    Stopping,
    StreamGap,
    Unauthorized,
    Unavailable,
    ValidationFailed,
)
from domain.kernel.eventlog import LogRow
from domain.kernel.fanout import Fanout, Subscription
from domain.kernel.permissions import Permission
from graph.context import Context

Message = dict[str, Any]
# What a row is for this dialect's clients, or None; it may see only the reader's customer.
Present = Callable[[LogRow], Message | None]
Figures = AsyncGenerator[Message, None]
# Messages that come by the clock. Called once the reader is let in, with what its address asks.
OpenFigures = Callable[[Context, QueryParams], Figures]

UNAUTHORIZED: Final = 4401
FORBIDDEN: Final = 4403
BAD_CURSOR: Final = 4400
GAP: Final = 4410
NORMAL: Final = 1000
RESTART: Final = 1012
SLOW: Final = 1013
TRY_AGAIN: Final = 1013
FIRST_MESSAGE_S: Final = 3.0
CLOSE_S: Final = 5.0
QUEUE_LIMIT: Final = 1_000


@dataclass(frozen=True, slots=True)
class LegacyStream:
    """`permissions` guard the socket; `present` and `name` make the key that readers share."""

    name: str
    permissions: tuple[Permission, ...]
    present: Present
    figures: OpenFigures | None = None


@dataclass(slots=True)
class _Reader:
    """One socket. Everything up to the seq `position` was sent, or was not for it."""

    socket: WebSocket
    context: Context
    subscription: Subscription[str]
    figures: Figures | None
    resumable: bool
    position: int

    async def send(self, text: str) -> None:
        """Raises TimeoutError where the peer takes nothing."""
        async with asyncio.timeout(self.context.services.policy.drain_timeout_s):
            await self.socket.send_text(text)


async def serve_stream(socket: WebSocket, stream: LegacyStream) -> None:
    """Runs one socket to its end; every end has a code and a reason."""
    try:
        context = await authenticated(socket)
        reader = await _admitted(socket, stream, context)
    except WebSocketDisconnect:
        return
    except DomainError as error:
        await close(socket, close_code(error), error.message)
        return
    await _pump(reader)


def close_code(error: DomainError) -> int:
    """Of a refusal."""
    return _CODES.get(type(error), FORBIDDEN)


_CODES: Final[dict[type[DomainError], int]] = {
    Unauthorized: UNAUTHORIZED,
    ValidationFailed: BAD_CURSOR,
    StreamGap: GAP,
    # Whoever is forbidden need not come back; whoever came at a bad moment should.
    Unavailable: TRY_AGAIN,
    RateLimited: TRY_AGAIN,
    Stopping: RESTART,
}


async def authenticated(socket: WebSocket) -> Context:
    """Accepts the socket and hears its token, by whichever way it comes. Raises Unauthorized."""
    protocols = socket.scope.get("subprotocols") or []
    await socket.accept("bearer" if "bearer" in protocols else None)
    token = socket.query_params.get("token")
    if token is None:
        token = next((part for part in protocols if part != "bearer"), None)
    if token is None:
        token = bearer_token(socket)
    if token is None:
        token = await _first_message(socket)
    return await entry_of(socket).context(token)


async def _first_message(socket: WebSocket) -> str:
    """`{"token": "…"}`, `{"Authorization": "Bearer …"}`, or the bare token."""
    try:
        async with asyncio.timeout(FIRST_MESSAGE_S):
            text = await socket.receive_text()
    except (TimeoutError, KeyError) as error:
        raise Unauthorized("Invalid or missing token") from error
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = {"token": text}
    given = found if isinstance(found, dict) else {}
    token = given.get("token", given.get("Authorization"))
    if not isinstance(token, str):
        raise Unauthorized("Invalid or missing token")
    return token.strip().removeprefix("Bearer ").strip()


async def _admitted(socket: WebSocket, stream: LegacyStream, context: Context) -> _Reader:
    for permission in stream.permissions:
        context.actor.require(permission)
    after = socket.query_params.get("after")
    resumable = after is not None
    position = await context.services.tail.position(after) if after else None
    figures = None if stream.figures is None else stream.figures(context, socket.query_params)
    subscription = _subscription(stream, context, position, resumable=resumable)
    return _Reader(socket, context, subscription, figures, resumable, subscription.position)


def _subscription(
    stream: LegacyStream, context: Context, position: int | None, *, resumable: bool
) -> Subscription[str]:
    services, customer_id = context.services, context.customer_id

    async def render(row: LogRow) -> str | None:
        if row.customer_id != customer_id or (message := stream.present(row)) is None:
            return None
        if resumable:
            message = {**message, "cursor": services.tail.cursor(row.seq)}
        return orjson.dumps(message).decode()

    key = ("legacy", stream.name, customer_id, resumable)
    fanout: Fanout = services.fanout
    return fanout.subscribe(key, render, position, QUEUE_LIMIT, context.actor)


async def _pump(reader: _Reader) -> None:
    """Sends until either side ends. What the client says is read, so that its close is noticed."""
    socket = reader.socket
    listening = asyncio.create_task(_until_closed(socket))
    sending = [asyncio.create_task(_send_all(reader, _facts))]
    if reader.figures is not None:
        sending.append(asyncio.create_task(_send_all(reader, _figures)))
    expiry = _seconds_left(reader.context)
    try:
        done, _ = await asyncio.wait(
            {listening, *sending}, timeout=expiry, return_when=asyncio.FIRST_COMPLETED
        )
        ended = [task for task in sending if task in done]
        if not done:
            await close(socket, UNAUTHORIZED, "The token has expired")
        elif listening not in done:
            await close(socket, *ended[0].result())
    finally:
        reader.subscription.close()
        for task in (listening, *sending):
            task.cancel()
        await asyncio.gather(listening, *sending, return_exceptions=True)


async def _facts(reader: _Reader) -> None:
    async for delivery in reader.subscription:
        await reader.send(delivery.body)
        reader.position = delivery.seq


async def _figures(reader: _Reader) -> None:
    """A figure has no place in the log: it carries the cursor of what was sent before it."""
    if reader.figures is None:
        return
    async with aclosing(reader.figures) as figures:
        async for message in figures:
            if reader.resumable:
                cursor = reader.context.services.tail.cursor(reader.position)
                message = {**message, "cursor": cursor}
            await reader.send(orjson.dumps(message).decode())


async def _send_all(
    reader: _Reader, sending: Callable[[_Reader], Awaitable[None]]
) -> tuple[int, str]:
    """Why it ended: a close code and a reason."""
    try:
        await sending(reader)
    except StreamGap as gap:
        return SLOW, f"{gap.message} (resume after {gap.details.get('lastCursor', '')})"
    except TimeoutError:
        return SLOW, "The reader is too slow"
    except Stopping as stopping:
        return RESTART, stopping.message
    except DomainError as error:
        return close_code(error), error.message
    except (WebSocketDisconnect, RuntimeError):
        return SLOW, "The reader is gone"
    return NORMAL, "The stream has ended"


async def _until_closed(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _seconds_left(context: Context) -> float | None:
    if context.expires_at_us is None:
        return None
    return max(0.0, (context.expires_at_us - context.services.clock.now_us()) / 1e6)


async def close(socket: WebSocket, code: int, reason: str) -> None:
    """Whether the peer takes it or not."""
    # A close frame's reason holds at most 123 bytes; a peer that does not read takes none at all.
    with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            await socket.close(code, reason.encode()[:120].decode(errors="ignore"))

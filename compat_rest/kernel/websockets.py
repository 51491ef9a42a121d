"""The old systems' WebSockets: another reader of the event log, encoded once for all.

A token comes as `?token=`, as a subprotocol (`bearer, <token>`), in the Authorization header or in
the first message, since tokens in URLs reach logs. `?after=<cursor>` resumes, and makes every
message carry its `cursor`; without it a message looks exactly as it always did.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from compat_rest.kernel.auth import bearer_token, entry_of
from domain.kernel.errors import (
    DomainError,
    Stopping,
    StreamGap,
    Unauthorized,
    ValidationFailed,
)
from domain.kernel.eventlog import LogRow
from domain.kernel.fanout import Fanout, Subscription
from domain.kernel.permissions import Permission
from graph.context import Context

Message = dict[str, Any]
# What a row is for this dialect's clients, or None; it may see only the reader's customer.
Present = Callable[[LogRow], Message | None]

UNAUTHORIZED: Final = 4401
FORBIDDEN: Final = 4403
BAD_CURSOR: Final = 4400
GAP: Final = 4410
NORMAL: Final = 1000
RESTART: Final = 1012
SLOW: Final = 1013
FIRST_MESSAGE_S: Final = 3.0
CLOSE_S: Final = 5.0
QUEUE_LIMIT: Final = 1_000


@dataclass(frozen=True, slots=True)
class LegacyStream:
    """`permission` guards the socket; `present` and `name` make the key that readers share."""

    name: str
    permission: Permission
    present: Present


async def serve_stream(socket: WebSocket, stream: LegacyStream) -> None:
    """Runs one socket to its end; every end has a code and a reason."""
    try:
        context = await _authenticated(socket)
        context.actor.require(stream.permission)
        subscription = await _subscription(socket, stream, context)
    except WebSocketDisconnect:
        return
    except DomainError as error:
        await _close(socket, _CODES.get(type(error), FORBIDDEN), error.message)
        return
    await _pump(socket, subscription, context)


_CODES = {Unauthorized: UNAUTHORIZED, ValidationFailed: BAD_CURSOR, StreamGap: GAP}


async def _authenticated(socket: WebSocket) -> Context:
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


async def _subscription(
    socket: WebSocket, stream: LegacyStream, context: Context
) -> Subscription[str]:
    services = context.services
    after = socket.query_params.get("after")
    resumable = after is not None
    position = await services.tail.position(after) if after else None
    customer_id = context.customer_id

    async def render(row: LogRow) -> str | None:
        if row.customer_id != customer_id or (message := stream.present(row)) is None:
            return None
        if resumable:
            message = {**message, "cursor": services.tail.cursor(row.seq)}
        return orjson.dumps(message).decode()

    key = ("legacy", stream.name, customer_id, resumable)
    fanout: Fanout = services.fanout
    return fanout.subscribe(key, render, position, QUEUE_LIMIT, context.actor)


async def _pump(socket: WebSocket, subscription: Subscription[str], context: Context) -> None:
    """Sends until either side ends. What the client says is read, so that its close is noticed."""
    listening = asyncio.create_task(_until_closed(socket))
    sending = asyncio.create_task(
        _send_all(socket, subscription, context.services.policy.drain_timeout_s)
    )
    expiry = _seconds_left(context)
    try:
        done, _ = await asyncio.wait(
            {listening, sending}, timeout=expiry, return_when=asyncio.FIRST_COMPLETED
        )
        if not done:
            await _close(socket, UNAUTHORIZED, "The token has expired")
        elif sending in done and listening not in done:
            await _close(socket, *sending.result())
    finally:
        subscription.close()
        listening.cancel()
        sending.cancel()
        await asyncio.gather(listening, sending, return_exceptions=True)


async def _send_all(
    socket: WebSocket, subscription: Subscription[str], drain_s: float
) -> tuple[int, str]:
    """Why it ended: a close code and a reason."""
    try:
        async for delivery in subscription:
            async with asyncio.timeout(drain_s):
                await socket.send_text(delivery.body)
    except StreamGap as gap:
        return SLOW, f"{gap.message} (resume after {gap.details.get('lastCursor', '')})"
    except TimeoutError:
        return SLOW, "The reader is too slow"
    except Stopping as stopping:
        return RESTART, stopping.message
    except DomainError as error:
        return _CODES.get(type(error), FORBIDDEN), error.message
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


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    # A close frame's reason holds at most 123 bytes; a peer that does not read takes none at all.
    with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            await socket.close(code, reason.encode()[:120].decode(errors="ignore"))

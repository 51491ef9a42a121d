"""GraphQL over HTTP: POST and GET, one request at a time.

After the GraphQL-over-HTTP specification: to `application/graphql-response+json` a refused
request is 400; to `application/json` every well-formed request is 200 and the body tells. What is
not a well-formed request at all (not JSON, wrong types, too large, a bad token) has its own status
in both.
"""

import secrets
from typing import Any, Final

from graphql import OperationType
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from domain.kernel.errors import DomainError, ErrorCode, RateLimited, ValidationFailed
from graph.errors import RequestRefused, domain_error, masked
from graph.execution import Engine, EngineContext, GraphQLRequest, Result, refused_result, serialise
from graph.http_statuses import HTTP_STATUSES
from graph.transport.graphiql import POLICY, page
from graph.transport.requests import (
    NO_SUBSCRIPTION_HERE,
    BodyTooLarge,
    from_json,
    from_parameters,
    from_query_string,
)
from graph.transport.settings import ContextFactory, TransportSettings
from graph.transport.sse import EventStream

JSON: Final = b"application/json; charset=utf-8"
RESPONSE_JSON: Final = b"application/graphql-response+json; charset=utf-8"
METHODS: Final = b"GET, POST"
DRAINED: Final = 16
"""How many times the allowed size is still read of a body that is too large."""


class _Refused(Exception):
    """A request that HTTP itself refuses."""

    def __init__(self, status: int, error: DomainError, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error
        self.headers = headers


class ClientLeft(Exception):
    """The connection closed before the body was whole."""


class GraphQLEndpoint:
    """The ASGI application behind the path of the graph."""

    def __init__(
        self, engine: Engine, context_factory: ContextFactory, settings: TransportSettings
    ) -> None:
        self._engine = engine
        self._context = context_factory
        self._settings = settings
        self._events = EventStream(engine, settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        accept = headers.get("accept", "*/*")
        try:
            await self._serve(scope, receive, send, headers, accept)
        except ClientLeft:
            return
        except _Refused as refused:
            body = serialise({"errors": [domain_error(refused.error, None, "")]}, "")
            await respond(send, refused.status, body, media_type(accept) or JSON, *refused.headers)
        except DomainError as error:
            await self._refuse(send, error, accept)
        except Exception as error:  # noqa: BLE001 - masked for the caller, logged once
            body = serialise({"errors": [masked(error, secrets.token_hex(8))]}, "")
            await respond(send, 500, body, media_type(accept) or JSON)

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, headers: Headers, accept: str
    ) -> None:
        method: str = scope["method"]
        if method == "GET" and self._settings.graphiql and wants_page(accept, scope):
            body = page(scope, self._settings.path, self._settings.first_operations)
            policy = (b"content-security-policy", POLICY)
            await respond(send, 200, body, b"text/html; charset=utf-8", policy)
            return
        streaming = "text/event-stream" in accept
        content_type = media_type(accept)
        if content_type is None and not streaming:
            raise _Refused(406, ValidationFailed("Accept", "offers no media type of GraphQL"))
        request = await self._request(scope, receive, headers, method)
        context = await self._context(headers.get("authorization") or None, HTTPConnection(scope))
        if streaming:
            last_id = headers.get("last-event-id") or None
            if await self._events.serve(request, context, last_id, method, receive, send):
                return
        await self._answer(send, request, context, method, content_type or JSON)

    async def _request(
        self, scope: Scope, receive: Receive, headers: Headers, method: str
    ) -> GraphQLRequest:
        if method == "GET":
            if len(scope["query_string"]) > self._settings.max_body_bytes:
                raise _Refused(414, BodyTooLarge(self._settings.max_body_bytes))
            return from_query_string(scope["query_string"])
        if method != "POST":
            error = ValidationFailed("method", "must be GET or POST")
            raise _Refused(405, error, (b"allow", METHODS))
        declared = headers.get("content-type", "").partition(";")[0].strip().lower()
        if declared != "application/json":
            # Also what keeps other sites' plain forms from posting here.
            raise _Refused(415, ValidationFailed("Content-Type", "must be application/json"))
        return from_parameters(from_json(await self._body(receive)))

    async def _body(self, receive: Receive) -> bytes:
        most = self._settings.max_body_bytes
        body = bytearray()
        size = 0
        more = True
        # What is too large is read to its end, up to a bound, and dropped: a client that is still
        # sending would lose the answer with the connection.
        while more and size <= most * DRAINED:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            size += len(message.get("body", b""))
            if size <= most:
                body += message.get("body", b"")
            more = message.get("more_body", False)
        if size > most:
            raise _Refused(413, BodyTooLarge(most), (b"connection", b"close"))
        return bytes(body)

    async def _answer(
        self,
        send: Send,
        request: GraphQLRequest,
        context: EngineContext,
        method: str,
        content_type: bytes,
    ) -> None:
        result = await self._execute(request, context, method)
        refused = "data" not in result and content_type == RESPONSE_JSON
        body = serialise(result, context.correlation_id)
        await respond(send, 400 if refused else 200, body, content_type)

    async def _execute(
        self, request: GraphQLRequest, context: EngineContext, method: str
    ) -> Result:
        try:
            prepared = self._engine.prepare(request)
        except RequestRefused as refused:
            return refused_result(refused, context.correlation_id)
        if prepared.kind is OperationType.MUTATION and method == "GET":
            error = ValidationFailed("method", "a mutation must be sent by POST")
            raise _Refused(405, error, (b"allow", b"POST"))
        if prepared.kind is OperationType.SUBSCRIPTION:
            raise _Refused(400, ValidationFailed("query", NO_SUBSCRIPTION_HERE))
        return await self._engine.execute(prepared, context)

    async def _refuse(self, send: Send, error: DomainError, accept: str) -> None:
        headers: list[tuple[bytes, bytes]] = []
        if error.code is ErrorCode.UNAUTHORIZED:
            headers.append((b"www-authenticate", b"Bearer"))
        if isinstance(error, RateLimited):
            headers.append((b"retry-after", str(error.retry_after_s).encode()))
        body = serialise({"errors": [domain_error(error, None, secrets.token_hex(8))]}, "")
        await respond(send, HTTP_STATUSES[error.code], body, media_type(accept) or JSON, *headers)


async def respond(
    send: Send, status: int, body: bytes, content_type: bytes, *headers: tuple[bytes, bytes]
) -> None:
    head: dict[str, Any] = {
        "type": "http.response.start",
        "status": status,
        "headers": [
            (b"content-type", content_type),
            (b"content-length", str(len(body)).encode()),
            *headers,
        ],
    }
    await send(head)
    await send({"type": "http.response.body", "body": body})


def media_type(accept: str) -> bytes | None:
    """What to answer in, or None if the client takes neither of GraphQL's two media types."""
    if "application/graphql-response+json" in accept:
        return RESPONSE_JSON
    if "application/json" in accept or "*/*" in accept or "application/*" in accept:
        return JSON
    return None


def wants_page(accept: str, scope: Scope) -> bool:
    """A browser's address line, not a program that happens to accept anything."""
    return "text/html" in accept and b"query=" not in scope["query_string"]

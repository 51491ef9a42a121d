"""/oauth2: the token endpoint (RFC 6749), revocation (RFC 7009) and introspection (RFC 7662).

Refusals have the shape of RFC 6749 section 5.2, `{error, error_description}`, whatever is wrong:
also an unknown path, a wrong method, a body that is too large."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from compat_rest.kernel.addresses import origin_of
from compat_rest.kernel.auth import Entry
from compat_rest.kernel.replies import Reply
from domain.identity.oauth.ports import (
    INVALID_CLIENT,
    INVALID_REQUEST,
    OAuthRefused,
    OAuthRequest,
)
from domain.kernel.errors import DomainError, ErrorCode, RateLimited
from graph.context import Context
from graph.identity import resolvers
from graph.identity.resolvers import TokenAnswer

FORM: Final = "application/x-www-form-urlencoded"
MAX_BODY_BYTES: Final = 64 * 1024
MAX_PARAMETERS: Final = 50
NOT_KEPT: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
CHALLENGE: Final = 'Basic realm="oauth2", error="invalid_client"'
STATUSES: Final[Mapping[ErrorCode, int]] = {
    **dict.fromkeys(ErrorCode, 400),
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.SERVER_ERROR: 500,
    ErrorCode.SERVICE_UNAVAILABLE: 503,
    ErrorCode.UNAUTHORIZED: 401,
}
# RFC 6749 has no word of its own for these at the token endpoint; section 4.1.2.1 has.
WORDS: Final[Mapping[int, str]] = {
    401: INVALID_CLIENT,
    429: "temporarily_unavailable",
    500: "server_error",
    503: "temporarily_unavailable",
}
logger = structlog.get_logger(__name__)
Handler = Callable[[Context, OAuthRequest], Awaitable[Response]]


def oauth_routes(entry: Entry, public_url: str) -> list[BaseRoute]:
    """To be mounted at the root of a port."""

    def answered(handle: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            asked = await asked_of(request, origin_of(request, public_url))
            return await handle(await entry.context(None), asked)

        return endpoint

    routes = [
        Route("/token", answered(_token), methods=["POST"]),
        Route("/revoke", answered(_revoke), methods=["POST"]),
        Route("/introspect", answered(_introspect), methods=["POST"]),
    ]
    handlers: dict[Any, Any] = {
        DomainError: _refused,
        HTTPException: _not_served,
        Exception: _defect,
    }
    return [Mount("/oauth2", Starlette(routes=routes, exception_handlers=handlers))]


async def _token(context: Context, asked: OAuthRequest) -> Response:
    return Reply(token_body(await resolvers.issue_tokens(context, asked)), headers=NOT_KEPT)


async def _revoke(context: Context, asked: OAuthRequest) -> Response:
    await resolvers.revoke_token(context, asked)
    return Response(headers=NOT_KEPT)


async def _introspect(context: Context, asked: OAuthRequest) -> Response:
    return Reply(await resolvers.introspect_token(context, asked), headers=NOT_KEPT)


def token_body(answer: TokenAnswer) -> dict[str, Any]:
    body = {
        "access_token": answer.access_token,
        "token_type": "Bearer",
        "expires_in": answer.expires_in_s,
        "scope": answer.scope,
    }
    more = {} if answer.refresh_token is None else {"refresh_token": answer.refresh_token}
    return body | more


async def asked_of(request: Request, issuer: str) -> OAuthRequest:
    """Raises OAuthRefused for what is no form of RFC 6749."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM:
        raise OAuthRefused(INVALID_REQUEST, f"The body must be {FORM}")
    address = request.client.host if request.client else ""
    form = parsed(await _body(request))
    return OAuthRequest(form, request.headers.get("authorization"), issuer, address)


def parsed(body: bytes) -> dict[str, str]:
    """Section 3.2: without a value is as good as not there, twice is refused."""
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(text, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError as error:
        raise OAuthRefused(INVALID_REQUEST, "The form is malformed") from error
    found = dict(pairs)
    if len(found) != len(pairs):
        raise OAuthRefused(INVALID_REQUEST, "A parameter is repeated")
    return found


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise HTTPException(413, "The body is too large", {"Connection": "close"})
    except ClientDisconnect as gone:
        raise OAuthRefused(INVALID_REQUEST, "The body was cut short") from gone
    return bytes(body)


async def _refused(_request: Request, error: DomainError) -> Response:
    status = STATUSES[error.code]
    word = error.error if isinstance(error, OAuthRefused) else WORDS.get(status, INVALID_REQUEST)
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, RateLimited) else {}
    if status == 401:
        headers["WWW-Authenticate"] = CHALLENGE
    return _reply(status, word, error.message, headers)


async def _not_served(_request: Request, error: HTTPException) -> Response:
    """No such path, no such method, too large a body."""
    return _reply(error.status_code, INVALID_REQUEST, error.detail, dict(error.headers or {}))


async def _defect(request: Request, error: Exception) -> Response:
    """Logged once, here; the client learns the correlation id and nothing else."""
    correlation_id = structlog.contextvars.get_contextvars().get("correlation_id", "")
    logger.log(logging.ERROR, "request failed", path=request.url.path, exc_info=error)
    return _reply(500, WORDS[500], f"Internal server error {correlation_id}".strip(), {})


def _reply(status: int, word: str, description: str, headers: dict[str, str]) -> Response:
    body = {"error": word, "error_description": description}
    return Reply(body, status, NOT_KEPT | headers)

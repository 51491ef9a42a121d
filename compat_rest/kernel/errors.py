"""Every refusal in the dialect's own shape: domain errors, bad requests, unknown paths, defects."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, cast

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from compat_rest.kernel.replies import Reply
from domain.kernel.errors import DomainError, ErrorCode, HardwareOff, RateLimited, ValidationFailed

Shape = Callable[[ErrorCode, str, Mapping[str, Any]], dict[str, Any]]
logger = structlog.get_logger(__name__)
INTERNAL = "Internal server error"


class ErrorPresenter:
    """`statuses` must be total over ErrorCode; `shape` makes the dialect's body. `not_wired` is the
    body for hardware that an installation goes without, where that is another one; `unnamed` are
    steps on the way to a field that clients know nothing of."""

    def __init__(
        self,
        statuses: Mapping[ErrorCode, int],
        shape: Shape,
        not_wired: Mapping[str, Any] | None = None,
        unnamed: frozenset[str] = frozenset(),
    ) -> None:
        self.statuses = statuses
        self.shape = shape
        self.not_wired = not_wired
        self.unnamed = unnamed

    def reply(self, error: DomainError, headers: Mapping[str, str] | None = None) -> Response:
        if isinstance(error, HardwareOff) and self.not_wired is not None:
            return Reply(self.not_wired, self.statuses[error.code])
        extra = dict(headers or {})
        if isinstance(error, RateLimited):
            extra["Retry-After"] = str(error.retry_after_s)
        if error.code is ErrorCode.UNAUTHORIZED:
            extra.setdefault("WWW-Authenticate", "Bearer")
        body = self.shape(error.code, error.message, error.details)
        return Reply(body, self.statuses[error.code], extra)

    def install(self, app: FastAPI) -> None:
        app.add_exception_handler(DomainError, self._domain)
        app.add_exception_handler(RequestValidationError, self._request)
        app.add_exception_handler(HTTPException, self._http)
        app.add_exception_handler(Exception, self._defect)

    async def _domain(self, _request: Request, error: Exception) -> Response:
        return self.reply(cast(DomainError, error))

    async def _request(self, _request: Request, error: Exception) -> Response:
        first = cast(RequestValidationError, error).errors()[0]
        if first["type"] == "json_invalid":
            # Its place is an offset, not a field.
            return self.reply(ValidationFailed("body", f"not valid JSON at {first['loc'][-1]}"))
        place = [str(part) for part in first["loc"] if part not in self.unnamed]
        field = ".".join(place[1:]) or place[0]
        return self.reply(ValidationFailed(field, str(first["msg"])))

    async def _http(self, request: Request, error: Exception) -> Response:
        """Starlette's own: no such path, no such method, an unreadable body."""
        found = cast(HTTPException, error)
        headers = dict(found.headers or {})
        if found.status_code == 405:
            headers["Allow"] = ", ".join(sorted(allowed_methods(request)))
        code = _CODES.get(found.status_code, ErrorCode.VALIDATION_ERROR)
        body = self.shape(code, _MESSAGES.get(found.status_code, str(found.detail)), {})
        return Reply(body, found.status_code, headers)

    async def _defect(self, request: Request, error: Exception) -> Response:
        return self.defect(request.url.path, error)

    def defect(self, path: str, error: Exception) -> Response:
        """Logged once, here; the client learns the correlation id and nothing else."""
        correlation_id = structlog.contextvars.get_contextvars().get("correlation_id", "")
        logger.log(logging.ERROR, "request failed", path=path, exc_info=error)
        details = {"correlationId": correlation_id} if correlation_id else {}
        body = self.shape(ErrorCode.SERVER_ERROR, INTERNAL, details)
        return Reply(body, self.statuses[ErrorCode.SERVER_ERROR])


_CODES = {404: ErrorCode.NOT_FOUND, 405: ErrorCode.NOT_FOUND, 401: ErrorCode.UNAUTHORIZED}
_MESSAGES = {404: "Resource not found", 405: "Method not allowed"}


def allowed_methods(request: Request) -> set[str]:
    """Of every route with the path that was meant: Starlette names only the first one's. A path
    that also fits a template, as `/events/ack-all` fits `/events/{id}`, means itself."""
    routes = list(iter_route_contexts(request.app.routes))
    fitting = (one for one in routes if one.matches(request.scope)[0] is not Match.NONE)
    meant = next((one.path for one in fitting), None)
    same = (one for one in routes if one.path == meant)
    return {method for one in same for method in one.methods or ()}

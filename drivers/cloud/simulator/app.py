"""The cloud's routes: parse, ask the state, put the answer into the envelope."""

from typing import Any

import orjson
from pydantic import ValidationError
from pydantic.alias_generators import to_camel
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from domain.kernel.errors import DomainError, ErrorCode, Unauthorized, ValidationFailed
from domain.sync.ports import ActivationRequest
from drivers.cloud.simulator.state import CloudState
from drivers.upstream import wire
from drivers.upstream.packing import BodyTooLarge, unpacked

STATUS_OF = {
    ErrorCode.UNAUTHORIZED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.VALIDATION_ERROR: 400,
}
CODE_OF = {404: ErrorCode.NOT_FOUND, 503: ErrorCode.SERVICE_UNAVAILABLE}
DEFAULT_CODES = "100"
MAX_KEY = 128


def cloud_app(state: CloudState) -> Starlette:
    calls = CloudRoutes(state)
    return Starlette(
        routes=[
            Route("/sign_in", calls.sign_in, methods=["POST"]),
            Route("/devices", calls.devices, methods=["GET"]),
            Route("/devices/{device_id}/activate", calls.activate, methods=["POST"]),
            Route("/devices/{device_id}/deactivate", calls.deactivate, methods=["POST"]),
            Route("/lines", calls.lines, methods=["GET"]),
            Route("/codes", calls.codes, methods=["GET"]),
            Route("/company", calls.company, methods=["GET"]),
            Route("/sync", calls.sync, methods=["POST"]),
        ],
        exception_handlers={
            DomainError: _refused,
            HTTPException: _not_served,
            ClientDisconnect: _gone,
        },
    )


class CloudRoutes:
    def __init__(self, state: CloudState) -> None:
        self._state = state

    async def sign_in(self, request: Request) -> Response:
        body = await self._json(request)
        session = self._state.sign_in(_text(body, "email"), _text(body, "password"))
        return _success(wire.emit(session))

    async def devices(self, request: Request) -> Response:
        return _success([wire.emit(device) for device in self._state.devices(_token(request))])

    async def activate(self, request: Request) -> Response:
        body = await self._json(request)
        try:
            wanted = wire.read(ActivationRequest, body)
        except ValidationError as invalid:
            first = invalid.errors(include_url=False, include_input=False)[0]
            raise ValidationFailed(to_camel(str(first["loc"][0])), first["msg"]) from None
        activation = self._state.activate(_token(request), _device_id(request), wanted)
        return _success(wire.emit(activation))

    async def deactivate(self, request: Request) -> Response:
        self._state.deactivate(_token(request), _device_id(request))
        return _success({})

    async def lines(self, request: Request) -> Response:
        return _success([wire.emit(line) for line in self._state.lines(_token(request))])

    async def company(self, request: Request) -> Response:
        return _success(wire.emit(self._state.company(_token(request))))

    async def codes(self, request: Request) -> Response:
        text = request.query_params.get("limit", DEFAULT_CODES)
        limit = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0
        key = request.headers.get(wire.IDEMPOTENCY_HEADER)
        issued = self._state.codes(_token(request), limit, key)
        return _success({"codes": issued.codes, "remaining": issued.remaining})

    async def sync(self, request: Request) -> Response:
        receipt = self._state.sync(_token(request), _key(request), await self._json(request))
        rejected = [wire.emit(rejection) for rejection in receipt.rejected]
        return _success({"accepted": receipt.accepted, "rejected": rejected})

    async def _json(self, request: Request) -> dict[str, Any]:
        try:
            body = orjson.loads(await self._body(request))
        except orjson.JSONDecodeError:
            raise ValidationFailed("body", "not JSON") from None
        if not isinstance(body, dict):
            raise ValidationFailed("body", "not an object")
        return body

    async def _body(self, request: Request) -> bytes:
        limit = self._state.limits.max_body_bytes
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise HTTPException(413, "The body is too large")
        encoding = request.headers.get("content-encoding", "identity")
        if encoding == "identity":
            return bytes(body)
        if encoding != "gzip" or not self._state.limits.accepts_gzip:
            raise HTTPException(415, "This content encoding is not understood")
        try:
            return unpacked(bytes(body), limit)
        except BodyTooLarge:
            raise HTTPException(413, "The body is too large") from None


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("A bearer token is needed", reason="MISSING")
    return token


def _key(request: Request) -> str:
    key = request.headers.get(wire.IDEMPOTENCY_HEADER, "")
    if not 1 <= len(key) <= MAX_KEY:
        raise ValidationFailed("idempotencyKey", f"the {wire.IDEMPOTENCY_HEADER} header is needed")
    return key


def _device_id(request: Request) -> str:
    return str(request.path_params["device_id"])


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ValidationFailed(name, "a text is needed")
    return value


def _success(data: object) -> Response:
    return Response(wire.dump({"success": True, "data": data}), media_type="application/json")


def failure(status: int, code: str, message: str, details: object = None) -> Response:
    error = {"code": code, "message": message, "details": details or {}}
    body = wire.dump({"success": False, "error": error})
    return Response(body, status, media_type="application/json")


async def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, DomainError):
        raise error
    status = STATUS_OF.get(error.code, 500)
    return failure(status, error.code, error.message, dict(error.details))


async def _not_served(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = CODE_OF.get(error.status_code, ErrorCode.VALIDATION_ERROR)
    return failure(error.status_code, code, error.detail)


async def _gone(_request: Request, _error: Exception) -> Response:
    """Nobody reads it; without it a caller who hangs up would look like a fault of the cloud."""
    return failure(400, ErrorCode.VALIDATION_ERROR, "The body was cut")

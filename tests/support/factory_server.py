"""A factory's sync route on a real socket: token, gzip, body, resolver, receipt, errors."""

import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from domain.kernel.errors import DomainError, ErrorCode, Unauthorized
from domain.sync.wire import read_delivery
from drivers.upstream.packing import unpacked
from tests.support.asgi import on_port
from tests.support.factories import EDGE, Factory

TOKEN = "device-token"
LIMIT_BYTES = 8 * 1024 * 1024
STATUSES = {
    ErrorCode.UNAUTHORIZED: 401,
    ErrorCode.VALIDATION_ERROR: 400,
    ErrorCode.CONFLICT: 409,
    ErrorCode.SERVICE_UNAVAILABLE: 503,
}


@dataclass
class Served:
    """`busy` answers come before the real thing; `seen` are requests that were answered."""

    factory: Factory
    url: str = ""
    port: int = 0
    gzip: bool = True
    busy: deque[tuple[int, str | None]] = field(default_factory=deque)
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def sync(self, request: Request) -> Response:
        if self.busy:
            return _busy(*self.busy.popleft())
        try:
            answer = await self._take(request)
        except DomainError as error:
            return _answer({"success": False, "error": _shown(error)}, STATUSES[error.code])
        except ClientDisconnect:
            return Response(status_code=400)
        return answer

    async def _take(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise Unauthorized("Invalid or missing token")
        body = await request.body()
        encoding = request.headers.get("content-encoding", "identity")
        if encoding == "gzip":
            if not self.gzip:
                return _answer({"success": False, "error": {"code": "VALIDATION_ERROR"}}, 415)
            body = unpacked(body, LIMIT_BYTES)
        delivery = await read_delivery(body, request.headers.get("idempotency-key"))
        assert delivery.device_id == EDGE
        receipt = await self.factory.push(delivery.batch)
        self.seen.append({"encoding": encoding, "items": len(delivery.batch.ids)})
        rejected = [{"id": one.id, "reason": one.reason} for one in receipt.rejected]
        data = {"accepted": len(receipt.accepted), "rejected": rejected}
        return _answer({"success": True, "data": data}, 200)


def _busy(status: int, retry_after: str | None) -> Response:
    answer = _answer({"success": False, "error": {"code": "SERVICE_UNAVAILABLE"}}, status)
    if retry_after is not None:
        answer.headers["retry-after"] = retry_after
    return answer


def _shown(error: DomainError) -> dict[str, Any]:
    return {"code": error.code, "message": error.message, "details": dict(error.details)}


def _answer(body: object, status: int) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


@contextlib.asynccontextmanager
async def served(factory: Factory) -> AsyncIterator[Served]:
    found = Served(factory)
    app = Starlette(routes=[Route("/api/v1/sync", found.sync, methods=["POST"])])
    async with on_port(app, ws="none") as found.port:
        found.url = f"http://127.0.0.1:{found.port}"
        yield found


async def token() -> str:
    return TOKEN

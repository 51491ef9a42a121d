"""Direct calls answer as FastAPI alone would, to the letter."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from compat_rest.kernel.auth import Anyone, Caller, Surface
from compat_rest.kernel.dialect import dialect_app
from compat_rest.kernel.direct import DirectCalls, direct_call, direct_calls
from compat_rest.kernel.replies import Reply
from compat_rest.okto_edge.app import DIALECT
from compat_rest.okto_edge.routes import scanner
from oktograph.edge.runtime import EdgeRuntime
from oktograph.settings import Settings
from oktograph.web.serving import Server

SCAN = "/api/v1/scanner/scan"
JSON = {"content-type": "application/json"}
# Made anew for each scan, so never the same twice.
VOLATILE = re.compile(r'"(bottleId|uptime|id)":("[0-9a-f]{32}"|\d+)')
KEPT = ("content-type", "www-authenticate", "allow", "connection")


@dataclass(frozen=True)
class Call:
    content: Any
    path: str = SCAN
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON))
    username: str | None = "operator"


async def _chunks() -> AsyncIterator[bytes]:
    for part in (b'{"co', b'de": "n', b'o code"}'):
        yield part


CALLS = {
    "a scan": Call(b'{"code": "no code", "lineId": "L1", "scannerIndex": 3.0}'),
    "a charset": Call(
        b'{"code": "x"}', headers={"content-type": "application/json; charset=utf-8"}
    ),
    "another JSON": Call(b'{"code": "x"}', headers={"content-type": "application/ld+json"}),
    "no content type": Call(b'{"code": "x"}', headers={}),
    "plain text": Call(b'{"code": "x"}', headers={"content-type": "text/plain"}),
    "chunks": Call(_chunks),
    "half a surrogate": Call(b'{"code": "\\ud800"}'),
    "not a number": Call(b'{"code": NaN}'),
    "an endless number": Call(b'{"code": "x", "scannerIndex": 123456789012345678901234567890}'),
    "a naive time": Call(b'{"code": "x", "timestamp": "2026-01-01T10:00:00"}'),
    "no JSON": Call(b'{"code": '),
    "not UTF-8": Call(b'{"code": "\xff"}'),
    "nothing": Call(b""),
    "null": Call(b"null"),
    "a list": Call(b"[1]"),
    "no code": Call(b"{}"),
    "a wrong type": Call(b'{"code": 5}'),
    "too long": Call(b'{"code": "' + b"x" * 5000 + b'"}'),
    "nobody": Call(b'{"code": "x"}', username=None),
    "nobody, with no JSON": Call(b"{", username=None),
    "no right": Call(b'{"code": "x"}', username="auditor"),
    "a forged token": Call(
        b'{"code": "x"}', username=None, headers=JSON | {"authorization": "Bearer x"}
    ),
    "no bearer": Call(b'{"code": "x"}', username=None, headers=JSON | {"authorization": "Basic x"}),
    "another method": Call(b"{}", method="PUT"),
    "HEAD": Call(None, method="HEAD", path="/health"),
    "a query that nobody reads": Call(None, "/api/v1/scanner/status?x=1", "GET"),
    "health": Call(None, "/health", "GET", username=None),
    "a conflict of states": Call(b'{"deviceId": "d"}', "/api/v1/provision/activate"),
    "an unknown path": Call(b"{}", SCAN + "/"),
}


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[httpx2.AsyncClient]:
    server = Server(app, "127.0.0.1", 0)
    running = asyncio.create_task(server.run_until_told())
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
            yield client
    finally:
        server.should_exit = True
        await running


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[EdgeRuntime]:
    started = EdgeRuntime(Settings(_env_file=None, data_dir=tmp_path, demo=True))
    await started.start()
    try:
        yield started
    finally:
        await started.stop()


async def _sent(client: httpx2.AsyncClient, call: Call) -> tuple[int, dict[str, str], str]:
    headers = dict(call.headers)
    if call.username is not None:
        body = {"username": call.username, "password": f"{call.username}123"}
        login = await client.post("/api/v1/auth/login", json=body)
        headers["authorization"] = f"Bearer {login.json()['data']['token']}"
    content = call.content() if callable(call.content) else call.content
    answer = await client.request(call.method, call.path, content=content, headers=headers)
    kept = {name: answer.headers[name] for name in KEPT if name in answer.headers}
    return answer.status_code, kept, VOLATILE.sub(r'"\1":…', answer.text)


async def test_answers_as_fastapi_does(runtime: EdgeRuntime) -> None:
    alone = Surface(dialect_app(DIALECT), runtime.entry)
    before = Surface(direct_calls(DIALECT), runtime.entry)
    async with serving(alone) as plain, serving(before) as direct:
        for name, call in CALLS.items():
            assert await _sent(direct, call) == await _sent(plain, call), name


async def test_a_defect_is_masked(runtime: EdgeRuntime) -> None:
    router = APIRouter()
    router.add_api_route("/broken", _broken)
    dialect = replace(DIALECT, routers=(router,))
    async with serving(Surface(direct_calls(dialect), runtime.entry)) as client:
        answer = await client.get("/broken")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "SERVER_ERROR" in answer.text


async def _broken(_caller: Anyone) -> Reply:
    raise ZeroDivisionError("secret")


def test_which_routes_are_direct() -> None:
    routes = [route for route in scanner.router.routes if isinstance(route, APIRoute)]
    calls = {route.name: direct_call(route) for route in routes}
    assert calls["record_scan"] is not None
    assert calls["record_scan"].body_name == "body"
    assert calls["scanner_status"] is not None
    assert calls["recent_scans"] is None, "takes a query"


def test_the_first_route_that_fits_is_taken() -> None:
    """As in FastAPI; what a template before it would catch is no direct call."""
    router = APIRouter()
    router.add_api_route("/things/{id}", _one, methods=["GET"])
    router.add_api_route("/things/all", _all, methods=["GET", "POST"])
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    assert set(DirectCalls(FastAPI(), routes, DIALECT.errors).calls) == {("POST", "/things/all")}


async def _one(id: str) -> Reply:
    return Reply(id)


async def _all(caller: Caller) -> Reply:
    return Reply(caller.customer_id)

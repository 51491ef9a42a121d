"""Insight's API as its clients call it: paths, bodies, refusals, headers; scans to export."""

import csv
import io
from itertools import count
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import httpx2

from domain.gateways.commands import CreateGateway
from domain.gateways.operations.gateways import create_gateway
from domain.gateways.rows import GatewayRow
from domain.kernel.actor import system_actor
from domain.production.commands import RecordScan, ScanPurpose
from domain.production.models import ScanSource
from domain.production.repository.scan_store import ScanOutcome
from domain.production.rows import GatewayRead
from tests.support.clients import Client, Json
from tests.support.factory import FactoryServer

TITLES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
}
CORS: Final = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "DELETE,GET,OPTIONS,PATCH,POST,PUT",
    "access-control-allow-headers": "Authorization,Content-Type,File-Name,If-Match,If-None-Match",
}
MORNING_MS: Final = 1_557_220_259_000
"""Of the documented examples."""
_events = count()


def has_cors(answer: httpx2.Response) -> None:
    assert {name: answer.headers.get(name) for name in CORS} == CORS


def ok(answer: httpx2.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    has_cors(answer)
    if status == 204:
        assert answer.content == b""
        return None
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def error(answer: httpx2.Response, status: int) -> str:
    """The details of a documented refusal, whole and in its shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    has_cors(answer)
    body = answer.json()
    assert body.keys() == {"title", "details"}
    assert body["title"] == TITLES.get(status, body["title"])
    details: str = body["details"]
    assert details
    return details


async def base_of(client: Client, key: str = "demo") -> str:
    """Where a customer's part of Insight is."""
    found = ok(await client.http.get("/insight/auth-information", params={"id": key}))
    return f"/insight/{found['customer_id']}"


async def gateway(factory: FactoryServer, name: str = "Gateway1") -> GatewayRow:
    command = CreateGateway.of(
        name=name, usecase="Picking", station="Station3", serial=f"SN-{name}"
    )
    async with factory.runtime.services.transactions.begin(factory.system) as work:
        return await create_gateway(work, command)


async def scan(
    factory: FactoryServer, code: str, at_ms: int, customer_id: int | None = None
) -> ScanOutcome:
    """One that came by the line."""
    actor = system_actor("test", customer_id or factory.customer_id)
    command = RecordScan(code, scanned_at_us=at_ms * 1000)
    return await factory.runtime.services.scans.submit(actor, command)


async def told(
    factory: FactoryServer, row: GatewayRow, code: str, at_ms: int, **more: Any
) -> ScanOutcome:
    """One that a gateway told."""
    read = GatewayRead(row.id, f"event-{next(_events)}", row.usecase, row.station, **more)
    command = RecordScan(
        code,
        source=ScanSource.GATEWAY,
        scanned_at_us=at_ms * 1000,
        purpose=ScanPurpose.OBSERVE,
        gateway=read,
    )
    actor = system_actor("test", row.customer_id)
    return await factory.runtime.services.scans.submit(actor, command)


def path_of(link: str) -> str:
    """Of an absolute link to the same factory."""
    parts = urlsplit(link)
    assert parts.scheme == "http"
    return parts.path


def lines(answer: httpx2.Response) -> list[Json]:
    """Of a CSV file."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    has_cors(answer)
    return list(csv.DictReader(io.StringIO(answer.text)))


def uuid(plain: str) -> str:
    return str(UUID(hex=plain))

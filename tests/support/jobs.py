"""Jobs at gateways: scans as gateways tell them, and Insight's API as its clients call it."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import count
from typing import Any, Final

import httpx2
from sqlalchemy import select

from domain.gateways.commands import CreateGateway
from domain.gateways.operations.gateways import create_gateway
from domain.gateways.rows import GatewayRow
from domain.identity.models import Customer
from domain.kernel.actor import Actor, system_actor
from domain.kernel.columns import table_of
from domain.production.commands import RecordScan, ScanPurpose
from domain.production.models import ScanSource
from domain.production.rows import GatewayRead
from tests.support.clients import Client, Json
from tests.support.factory import FactoryServer

MORNING_MS: Final = 1_557_220_259_000
"""Of the documented examples."""
STATUSES: Final = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}
CORS: Final = {
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
}
_events = count()


def ok(answer: httpx2.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    assert set(answer.headers) >= CORS
    return answer.json()


def error(answer: httpx2.Response, status: int) -> str:
    """The details of a documented refusal, whole and in its shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.headers) >= CORS
    body = answer.json()
    assert body.keys() == {"title", "details"}
    assert body["title"] == STATUSES.get(status, body["title"])
    assert isinstance(body["details"], str)
    assert body["details"]
    return body["details"]


async def base_of(client: Client) -> str:
    """Where the demo customer's part of Insight is."""
    found = ok(await client.http.get("/insight/auth-information?id=demo"))
    return f"/insight/{found['customer_id']}"


async def other_base(factory: FactoryServer) -> str:
    """Where that of the only other customer is."""
    customer = table_of(Customer)
    query = select(customer.c.public_id).where(customer.c.id != factory.customer_id)
    async with factory.database.read() as session:
        return f"/insight/{await session.scalar(query)}"


async def gateway(factory: FactoryServer, name: str, actor: Actor | None = None) -> GatewayRow:
    command = CreateGateway.of(
        name=name, usecase="Packing", station="Station3", serial=f"SN-{name}"
    )
    transactions = factory.runtime.services.transactions
    async with transactions.begin(actor or factory.system) as work:
        return await create_gateway(work, command)


async def tell(
    factory: FactoryServer, row: GatewayRow, scans: Iterable[tuple[str, int]]
) -> list[str]:
    """The gateway's scans, each a code and its milliseconds after the morning; their plain ids."""
    intake = factory.runtime.services.scans
    actor = system_actor("gateways", row.customer_id)
    told = [intake.submit(actor, _scan(row, code, after_ms)) for code, after_ms in scans]
    return [done.scan.id for done in await asyncio.gather(*told)]


def _scan(row: GatewayRow, code: str, after_ms: int) -> RecordScan:
    return RecordScan(
        code,
        source=ScanSource.GATEWAY,
        scanned_at_us=(MORNING_MS + after_ms) * 1000,
        purpose=ScanPurpose.OBSERVE,
        gateway=GatewayRead(row.id, f"event-{next(_events)}", row.usecase, row.station),
    )


def hyphened(plain: str) -> str:
    """As Insight writes ids."""
    parts = (plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:])
    return "-".join(parts)


def config(*gateways: str, name: str = "Packing job 1") -> Json:
    """The documented one."""
    return {
        "job_name": name,
        "start_barcode": "1234",
        "end_barcode": "5678",
        "gateway_ids": list(gateways),
    }


async def pieces(content: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def spans(jobs: Sequence[Json]) -> list[tuple[int, int]]:
    """Of an analysis, in milliseconds after the morning."""
    return [(one["start_time"] - MORNING_MS, one["end_time"] - MORNING_MS) for one in jobs]

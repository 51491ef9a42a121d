"""What the tests of the cloud share: rows to deliver, a clock to move, peers that misbehave."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from domain.sync.ports import ActivationRequest, BatchState, BottleState, CloudPort, PalletState
from drivers.upstream.calls import RetryPolicy
from tests.support.listening import listening

EMAIL, PASSWORD = "user@company.com", "password123"
AT = datetime(2024, 1, 1, 10, 0, 0, 123456, tzinfo=UTC)
FAST = RetryPolicy(attempts=3, base_s=0.001, cap_s=0.002)
LINE_1 = ActivationRequest(
    device_name="Production Line 1",
    company_id="company-001",
    seq_number="001",
    device_mode="scan_bottles",
)


Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class MovableClock:
    def __init__(self, at_us: int = 1_704_067_200_000_000) -> None:
        self.at_us = at_us

    def now_us(self) -> int:
        return self.at_us

    def advance_s(self, seconds: int) -> None:
        self.at_us += seconds * 1_000_000


def bottle(number: int, *, version: int = 1, **changed: Any) -> BottleState:
    fields: dict[str, Any] = {
        "id": f"bottle-{number:06}",
        "version": version,
        "identifier": f"010460000000001521{number:06}\x1d93ABCD",
        "status": 0,
        "created_at": AT,
        "updated_at": AT,
        "gtin": "04600000000015",
        "serial": f"{number:06}",
        "production_line_id": "line-001",
    }
    return BottleState(**fields | changed)


def batch(number: int, *, version: int = 1, bottle_count: int = 50) -> BatchState:
    return BatchState(
        id=f"batch-{number:03}",
        version=version,
        identifier=f"B-2024-{number:06}",
        status="complete",
        bottle_count=bottle_count,
        batch_size=50,
        created_at=AT,
        updated_at=AT,
    )


def pallet(number: int) -> PalletState:
    return PalletState(
        id=f"pallet-{number:03}",
        version=1,
        identifier=f"P-2024-{number:06}",
        status="complete",
        batch_count=10,
        created_at=AT,
        updated_at=AT,
    )


async def activated(cloud: CloudPort) -> str:
    """The device token of device-001."""
    session = await cloud.sign_in(EMAIL, PASSWORD)
    activation = await cloud.activate(session.user_token, "device-001", LINE_1)
    return activation.device_token


@contextlib.asynccontextmanager
async def raw_peer(speak: Peer) -> AsyncIterator[str]:
    """A TCP server that says what `speak` says. Yields its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await speak(reader, writer)

    async with listening(serve) as port:
        yield f"http://127.0.0.1:{port}"

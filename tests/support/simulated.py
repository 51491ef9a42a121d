"""Simulated edges at a real factory, and what a test asks of both."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from drivers.backoff import BackoffPolicy
from drivers.factory.simulation.fleet import SimulatedFleet, simulated_edges
from drivers.factory.simulation.registration import registered_edges
from drivers.factory.simulation.settings import EdgeBehaviour, EdgeCredentials
from tests.support.clients import Client, Json
from tests.support.factory import FactoryServer
from tests.support.waiting import DEADLINE_S

HURRY = BackoffPolicy(base_s=0.05, cap_s=0.2, floor_s=0.01, stable_s=0.5)
DISPATCH = """mutation ($input: DispatchCommandInput!) {
  dispatchCommand(input: $input) { status result errorCode error }
}"""
UPLOAD = "/api/v1/firmware/releases"


def url_of(factory: FactoryServer) -> str:
    return f"http://{factory.address}"


async def registered(factory: FactoryServer, *identifiers: str) -> list[EdgeCredentials]:
    return await registered_edges(url_of(factory), "manager", "manager123", identifiers)


@asynccontextmanager
async def running_edges(
    factory: FactoryServer, identifiers: Sequence[str] = ("edge-1",), **behaviour: Any
) -> AsyncIterator[SimulatedFleet]:
    """Connected."""
    known = await registered(factory, *identifiers)
    told: dict[str, Any] = {"backoff": HURRY, "rate": 0.0} | behaviour
    given = EdgeBehaviour(**told)
    async with simulated_edges(url_of(factory), known, given) as fleet:
        await fleet.connected()
        yield fleet


async def dispatch(client: Client, device: str, kind: str, arguments: Json | None = None) -> Json:
    """The command as it ended."""
    given = {"deviceId": device, "type": kind.upper(), "arguments": arguments or {}}
    found: Json = (await client.ask(DISPATCH, input=given))["dispatchCommand"]
    return found


async def upload(client: Client, version: str, content: bytes, **parameters: str) -> Json:
    """A published release."""
    asked = {"version": version, "filename": "edge.bin", **parameters}
    answer = await client.http.post(
        UPLOAD,
        params=asked,
        content=content,
        headers={"content-type": "application/octet-stream"},
    )
    assert answer.status_code == 200, answer.text
    release: Json = answer.json()["data"]
    return release


async def until(found: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    """Asks until the answer is that. Raises TimeoutError with the last one."""
    last: Any = None
    try:
        async with asyncio.timeout(DEADLINE_S * 3):
            # What a factory shows of a rollout has no event that a test could wait for.
            while (last := await found()) != wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise TimeoutError(f"still {last!r}, not {wanted!r}") from None

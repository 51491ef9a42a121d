"""What edges deliver by REST: once, whole, packed or not, as themselves, and not all at once."""

import gzip
from contextlib import AsyncExitStack
from typing import Any

import orjson
import pytest

from compat_rest.okto_factory import deliveries
from domain.sync.wire import MAX_ITEMS
from drivers.factory.sync_target import HttpFactory
from drivers.upstream.wire import dump, emit_sync
from tests.support.clients import Client
from tests.support.deliveries import batch, bottle, item_id, pallet
from tests.support.factories import delivery
from tests.support.factory import FactoryServer
from tests.support.factory_api import data, device_client, error, register
from tests.support.raw_http import opened
from tests.support.waiting import until

SYNC = "/api/v1/sync"
GZIP = {"content-encoding": "gzip"}


def body(*states: Any, device_id: str = "edge-001") -> bytes:
    return dump({"deviceId": device_id, **emit_sync(delivery(states))})


@pytest.fixture
async def device(factory: FactoryServer, manager: Client) -> Client:
    await register(manager)
    return await device_client(factory, manager, "edge-001")


async def test_a_delivery_is_taken_once(factory: FactoryServer, device: Client) -> None:
    text = body(bottle(1, batch=1), bottle(2), batch(1, pallet=1), pallet(1))
    expected = {"accepted": 4, "rejected": []}
    assert data(await device.http.post(SYNC, content=text)) == expected
    before = await factory.contents()
    for content, headers in ((text, {}), (gzip.compress(text), GZIP)):
        answer = await device.http.post(SYNC, content=content, headers=headers)
        assert data(answer) == expected
    assert await factory.contents() == before
    assert len(before["bottle"]) == 2


async def test_what_is_refused_is_named(device: Client) -> None:
    assert data(await device.http.post(SYNC, content=body(bottle(1)))) == {
        "accepted": 1,
        "rejected": [],
    }
    twin = bottle(2, gtin=bottle(1).gtin, serial=bottle(1).serial)
    answer = await device.http.post(SYNC, content=body(twin, bottle(3)))
    assert data(answer) == {
        "accepted": 1,
        "rejected": [{"id": item_id(1, 2), "reason": "DUPLICATE_IDENTIFIER"}],
    }


async def test_an_edges_own_client_delivers(factory: FactoryServer, device: Client) -> None:
    async def token() -> str:
        return device.token or ""

    async with HttpFactory(f"http://{factory.address}", "edge-001", token) as target:
        whole = delivery([bottle(number) for number in range(3_000)])
        receipt = await target.push(whole)
    assert set(receipt.accepted) == set(whole.ids)
    assert receipt.rejected == ()


async def test_the_largest_delivery_fits(device: Client) -> None:
    code = "x" * 512
    rows = [bottle(n, identifier=f"{n}{code}"[:512]) for n in range(MAX_ITEMS)]
    text = body(*rows)
    assert 7_500_000 < len(text) < deliveries.MAX_DELIVERY_BYTES
    answer = await device.http.post(SYNC, content=gzip.compress(text, 1), headers=GZIP)
    assert data(answer)["accepted"] == MAX_ITEMS


async def test_a_device_delivers_as_itself(factory: FactoryServer, device: Client) -> None:
    before = await factory.contents()
    other = body(bottle(1), device_id="edge-002")
    found = error(await device.http.post(SYNC, content=other), "FORBIDDEN")
    assert found["details"] == {"device_id": "edge-001"}
    assert await factory.contents() == before


async def test_bodies_that_are_too_large_or_unreadable(
    factory: FactoryServer, device: Client
) -> None:
    before = await factory.contents()
    limit = deliveries.MAX_DELIVERY_BYTES
    plain = await device.http.post(SYNC, content=b" " * (limit + 1))
    bomb = await device.http.post(SYNC, content=gzip.compress(b" " * (limit + 1), 1), headers=GZIP)
    for answer in (plain, bomb):
        assert answer.status_code == 413
        assert answer.json()["error"]["message"] == "Request body too large"
    other = await device.http.post(SYNC, content=b"x", headers={"content-encoding": "br"})
    assert (other.status_code, other.json()["success"]) == (415, False)
    whole = gzip.compress(body(bottle(1)))
    for content in (whole[:-9], b"no gzip", b""):
        answer = await device.http.post(SYNC, content=content, headers=GZIP)
        error(answer, "VALIDATION_ERROR")
    error(await device.http.post(SYNC, content=b"no json"), "VALIDATION_ERROR")
    twice = orjson.loads(body(bottle(1)))
    twice["bottles"] *= 2
    error(await device.http.post(SYNC, json=twice), "VALIDATION_ERROR")
    many = orjson.dumps({"deviceId": "edge-001", "bottles": [{}] * (MAX_ITEMS + 1)})
    error(await device.http.post(SYNC, content=many), "VALIDATION_ERROR")
    assert await factory.contents() == before


async def test_too_many_at_once_are_told_to_come_back(
    factory: FactoryServer, device: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "MAX_AT_ONCE", 3)
    text = body(bottle(1))
    head = (
        f"POST {SYNC} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {device.token}\r\n"
        f"Content-Length: {len(text)}\r\n\r\n"
    ).encode()
    begun: list[Any] = []
    async with AsyncExitStack() as stack:

        async def is_refused() -> bool:
            begun.append(await stack.enter_async_context(opened(factory.port)))
            begun[-1][1].write(head + text[:10])
            return (await device.http.post(SYNC, content=text)).status_code == 429

        await until(is_refused)
        answer = await device.http.post(SYNC, content=text)
        error(answer, "RATE_LIMITED")
        assert answer.headers["retry-after"] == str(deliveries.PAUSE_S)
        reader, writer = begun[0]
        writer.write(text[10:])
        assert b" 200 " in await reader.readline()

    async def is_taken() -> bool:
        answers = [await device.http.post(SYNC, content=text) for _ in range(4)]
        return all(answer.status_code == 200 for answer in answers)

    # Whoever was cut off has given its place back.
    await until(is_taken)

"""Rate limits: by caller and kind of call, on every answer, counted by all processes together."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from domain.kernel.clock import SystemClock
from tests.support.clients import Client, Json
from tests.support.databases import PostgresServer
from tests.support.factory import FactoryServer, running_factory
from tests.support.factory_api import device_client
from tests.support.redis import RedisServer
from tests.support.valtronics import DEVICES, create, data, error

NEW = {"name": "New", "device_id": "new", "device_type": "sensor"}


@pytest.fixture
def factory_settings() -> Json:
    return {}


def standing(answer: httpx2.Response) -> tuple[int, int]:
    """The limit and what is left; when it begins anew is within a minute."""
    headers = answer.headers
    left_s = int(headers["x-ratelimit-reset"]) - SystemClock().now_us() / 1e6
    assert 0 < left_s <= 61
    return int(headers["x-ratelimit-limit"]), int(headers["x-ratelimit-remaining"])


async def spent(client: Client, method: str, path: str, times: int, body: Any = None) -> None:
    answers = await asyncio.gather(
        *(client.http.request(method, path, json=body) for _ in range(times))
    )
    assert {answer.status_code for answer in answers} <= {200, 400, 404}


def refused(answer: httpx2.Response, limit: int) -> None:
    found = error(answer, 429)
    assert found["message"] == "Rate limit exceeded"
    assert standing(answer) == (limit, 0)
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert found["details"] == {"retry_after_s": int(answer.headers["retry-after"])}


async def test_a_hundred_reads_a_minute(operator: Client, manager: Client) -> None:
    assert standing(await operator.http.get(DEVICES)) == (100, 99)
    await spent(operator, "GET", DEVICES + "stats", 98)
    assert standing(await operator.http.get(DEVICES + "999")) == (100, 0)
    refused(await operator.http.get(DEVICES), 100)
    refused(await operator.http.get(DEVICES + "status/online"), 100)
    assert standing(await manager.http.get(DEVICES)) == (100, 99)


async def test_fifty_writes_a_minute_apart_from_reads(
    factory: FactoryServer, manager: Client
) -> None:
    await create(manager)
    await spent(manager, "PUT", DEVICES + "1", 48, {"name": "x"})
    answer = await manager.http.put(DEVICES + "1/status", json={"status": "online"})
    assert standing(answer) == (50, 0)
    before = await factory.contents()
    for method, path, body in (
        ("POST", "", NEW),
        ("PUT", "1", {"name": "y"}),
        ("DELETE", "1", None),
        ("PUT", "1/configuration", {"configuration": {"a": 1}}),
    ):
        refused(await manager.http.request(method, DEVICES + path, json=body), 50)
    assert await factory.contents() == before
    assert standing(await manager.http.get(DEVICES)) == (100, 99)


async def test_ten_bulk_operations_a_minute(factory: FactoryServer, manager: Client) -> None:
    for place in range(10):
        body = [NEW | {"device_id": f"{place}-{one}"} for one in range(3)]
        answer = await manager.http.post(DEVICES, json=body)
        assert standing(answer) == (10, 9 - place)
        assert len(data(answer)) == 3
    before = await factory.contents()
    refused(await manager.http.post(DEVICES, content=b" \r\n\t[]"), 10)
    assert await factory.contents() == before
    assert standing(await manager.http.post(DEVICES, json=NEW)) == (50, 49)


async def test_a_list_counts_as_one_however_it_begins(manager: Client) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield b" "
        yield b"\n"
        yield json.dumps([NEW]).encode()

    headers = {"content-type": "application/json"}
    for left, content in ((9, slowly()), (8, b"\xef\xbb\xbf[]"), (7, "[]".encode("utf-16"))):
        answer = await manager.http.post(DEVICES, content=content, headers=headers)
        assert standing(answer) == (10, left)


@pytest.mark.parametrize(
    ("size", "expected"), [(200 * 1024, (10, 9)), (5 * 1024 * 1024, (10, 9)), (1024, (50, 49))]
)
async def test_a_body_that_waits_for_leave_is_not_asked_for(
    factory: FactoryServer, manager: Client, size: int, expected: tuple[int, int]
) -> None:
    """What is larger than a device can only be a list of them; what is too large never comes."""
    head = (
        f"POST {DEVICES} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {manager.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {size}\r\n"
        "Expect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", factory.port)
    writer.write(head.encode())
    async with asyncio.timeout(10):
        first = await reader.readuntil(b"\r\n\r\n")
        too_large = size > 4 * 1024 * 1024
        assert first.startswith(b"HTTP/1.1 413" if too_large else b"HTTP/1.1 100")
        if not too_large:
            writer.write(b"[" + b" " * (size - 2) + b"]" if expected[0] == 10 else b" " * size)
            first = await reader.readuntil(b"\r\n\r\n")
    headers = dict(line.split(": ") for line in first.decode().lower().split("\r\n")[1:-2])
    limit, left = headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]
    assert (int(limit), int(left)) == expected
    writer.close()


async def test_every_answer_says_how_one_stands(
    factory: FactoryServer, manager: Client, operator: Client
) -> None:
    """Refusals too, and to nobody by address."""
    await create(manager)
    device = await device_client(factory, manager, "TEMP-001")
    nobody, liar = factory.client(), factory.client("a.b.c")
    large = b'{"name": "' + b"x" * (5 * 1024 * 1024) + b'"}'
    cases: list[tuple[Client, str, str, bytes, int, tuple[int, int]]] = [
        (manager, "GET", "1", b"", 200, (100, 99)),
        (manager, "GET", "abc", b"", 400, (100, 98)),
        (manager, "GET", "7", b"", 404, (100, 97)),
        (manager, "GET", "1/nothing", b"", 404, (100, 96)),
        (manager, "OPTIONS", "1", b"", 405, (100, 95)),
        (manager, "PATCH", "1", b"", 405, (50, 48)),
        (manager, "POST", "", b"{", 400, (50, 47)),
        (manager, "POST", "", large, 413, (50, 46)),
        (manager, "PUT", "1", large, 413, (50, 45)),
        (operator, "PUT", "1", b"{}", 403, (50, 49)),
        (device, "GET", "1", b"", 403, (100, 99)),
        (nobody, "GET", "", b"", 401, (100, 99)),
        (liar, "GET", "", b"", 401, (100, 98)),
        (nobody, "POST", "", b"{}", 401, (50, 49)),
    ]
    for client, method, path, body, status, expected in cases:
        answer = await client.http.request(method, DEVICES + path, content=body)
        error(answer, status) if status != 200 else data(answer)
        assert standing(answer) == expected, (method, path)


async def test_bad_tokens_are_braked_by_address(factory: FactoryServer, manager: Client) -> None:
    """Whoever has a good one is not held up by others behind the same address."""
    nobody = factory.client("nonsense")
    answers = await asyncio.gather(*(nobody.http.get(DEVICES) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {401}
    refused(await factory.client().http.get(DEVICES), 100)
    assert standing(await manager.http.get(DEVICES)) == (100, 99)


async def test_only_this_dialect_is_limited(factory: FactoryServer, operator: Client) -> None:
    await spent(operator, "GET", DEVICES, 100)
    refused(await operator.http.get(DEVICES), 100)
    for path in ("/api/v1/devices", "/valtronics/openapi.json", "/valtronics/docs"):
        answer = await operator.http.get(path)
        assert answer.status_code == 200
        assert "x-ratelimit-limit" not in answer.headers
    assert await operator.ask("{ devices { totalCount } }") == {"devices": {"totalCount": 0}}


@pytest.mark.parametrize("factory_settings", [{"rate_limits": False}])
async def test_nothing_is_limited_where_that_is_off(operator: Client) -> None:
    answers = await asyncio.gather(*(operator.http.get(DEVICES) for _ in range(120)))
    for answer in answers:
        assert data(answer)["items"] == []
        assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


async def test_two_processes_count_together(
    postgres_server: PostgresServer, redis_server: RedisServer, tmp_path: Path
) -> None:
    async with postgres_server.fresh() as database:
        url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        given: dict[str, Any] = {"factory_database_url": url, "broadcast_url": redis_server.url}
        folder = tmp_path / "factory"
        async with (
            running_factory(folder, **given) as one,
            running_factory(folder, worker=1, **given) as other,
        ):
            first, second = await one.logged_in("manager"), await other.logged_in("manager")
            left = [
                standing(await client.http.get(DEVICES))[1]
                for client in (first, second, first, second)
            ]
            assert left == [99, 98, 97, 96]
            for _ in range(12):
                await spent(first, "GET", DEVICES, 8)
            refused(await second.http.get(DEVICES), 100)

"""Server-sent events on a real socket."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from graph.transport import TransportSettings
from tests.support.toy_graph import Toy, served
from tests.support.waiting import eventually

HEADERS = {"accept": "text/event-stream", "authorization": "Bearer alice"}
SCANS = "subscription S($after: String) { scans(after: $after) { code } }"


@asynccontextmanager
async def stream(
    address: str, query: str, method: str = "POST", **headers: str
) -> AsyncIterator[AsyncIterator[str]]:
    given: dict[str, Any] = {"json": {"query": query}}
    if method == "GET":
        given = {"params": {"query": query}}
    async with (
        asyncio.timeout(15),
        httpx2.AsyncClient(base_url=f"http://{address}") as client,
        client.stream(method, "/graphql", headers=HEADERS | headers, **given) as response,
    ):
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield response.aiter_lines()


async def event(lines: AsyncIterator[str]) -> dict[str, str]:
    """The next event that is not a comment."""
    fields: dict[str, str] = {}
    async for line in lines:
        if line == "" and fields:
            return fields
        name, _, value = line.partition(":")
        if name:
            fields[name] = value.strip()
    return fields


def code(found: dict[str, str]) -> str:
    seen: str = json.loads(found["data"])["data"]["scans"]["code"]
    return seen


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_events_carry_their_cursor_and_last_event_id_resumes(
    toy: Toy, address: str, method: str
) -> None:
    async with stream(address, SCANS, method) as lines:
        await eventually(lambda: toy.fanout.groups == 1)
        await toy.write("1", "2", "3")
        first = await event(lines)
        assert (first["event"], code(first), first["id"]) == ("next", "1", toy.tail.cursor(1))
    await eventually(lambda: (toy.fanout.subscriptions, toy.fanout.groups) == (0, 0))
    async with stream(address, SCANS, method, **{"last-event-id": first["id"]}) as lines:
        assert [code(await event(lines)) for _ in range(2)] == ["2", "3"]
        await eventually(lambda: toy.fanout.groups == 1)
        await toy.write("4")
        assert code(await event(lines)) == "4"


async def test_queries_and_mutations_are_one_event_and_complete(toy: Toy, address: str) -> None:
    for query, data in (("{ me }", {"me": "alice"}), ('mutation { record(code: "1") }', None)):
        async with stream(address, query) as lines:
            found = await event(lines)
            assert found["event"] == "next"
            assert json.loads(found["data"]) == {"data": data or {"record": "1"}}
            assert await event(lines) == {"event": "complete", "data": ""}
    assert toy.counts.writes == 1


async def test_a_stream_without_cursors_has_no_ids(address: str) -> None:
    async with stream(address, "subscription { ticks(count: 1) }") as lines:
        assert await event(lines) == {"event": "next", "data": '{"data":{"ticks":0}}'}
        assert (await event(lines))["event"] == "complete"


async def test_what_is_refused_before_the_stream_is_plain_http(toy: Toy, address: str) -> None:
    async with httpx2.AsyncClient(base_url=f"http://{address}") as client:
        modern = HEADERS | {"accept": "text/event-stream, application/graphql-response+json"}
        invalid = await client.post("/graphql", json={"query": "{ nothing }"}, headers=modern)
        assert invalid.status_code == 400
        forged = HEADERS | {"authorization": "Bearer forged"}
        denied = await client.post("/graphql", json={"query": SCANS}, headers=forged)
        assert denied.status_code == 401
        mutation = {"query": 'mutation { record(code: "1") }'}
        by_get = await client.get("/graphql", params=mutation, headers=HEADERS)
        assert by_get.status_code == 405
    assert toy.counts.writes == 0


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"authorization": "Bearer nothing"}, "FORBIDDEN"),
        ({"last-event-id": "other.1"}, "STREAM_GAP"),
        ({"last-event-id": "nonsense"}, "VALIDATION_ERROR"),
    ],
)
async def test_what_is_refused_after_it_began_is_an_event(
    toy: Toy, address: str, headers: dict[str, str], expected: str
) -> None:
    async with stream(address, SCANS, **headers) as lines:
        found = json.loads((await event(lines))["data"])
        assert found["errors"][0]["extensions"]["code"] == expected
        assert (await event(lines))["event"] == "complete"
    assert toy.fanout.subscriptions == 0


async def test_a_silent_stream_has_heartbeats(toy: Toy) -> None:
    settings = TransportSettings(heartbeat_s=0.1)
    async with served(toy, settings) as address, stream(address, SCANS) as lines:
        assert await anext(lines) == ":"
        await toy.write("1")
        assert code(await event(lines)) == "1"


async def test_a_token_that_ends_ends_the_stream_with_a_reason(toy: Toy, address: str) -> None:
    toy.expires_at_us = int((time.time() + 0.2) * 1e6)
    async with stream(address, SCANS) as lines:
        found = json.loads((await event(lines))["data"])
        assert found["errors"][0]["extensions"]["code"] == "UNAUTHORIZED"
        assert (await event(lines))["event"] == "complete"
    assert toy.fanout.subscriptions == 0


async def test_sse_and_websocket_subscribers_share(toy: Toy, address: str) -> None:
    async with stream(address, SCANS) as one, stream(address, SCANS, "GET") as two:
        await eventually(lambda: toy.fanout.subscriptions == 2)
        assert toy.fanout.groups == 1
        await toy.write("1")
        assert (code(await event(one)), code(await event(two))) == ("1", "1")
        assert toy.counts.events == 1

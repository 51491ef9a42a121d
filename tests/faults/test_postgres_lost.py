"""PostgreSQL killed under a running edge, and back: refused meanwhile, nothing lost, no restart."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2

from tests.support.callers import Load, graphql_scan, milk_codes, recorded, token_of
from tests.support.followers import FOLLOWERS, first_cursor
from tests.support.killable import KillablePostgres
from tests.support.processes import EdgeProcess, patiently
from tests.support.stored import stored_on_postgres


async def test_an_edge_outlives_its_postgres(
    killable_postgres: KillablePostgres, tmp_path: Path
) -> None:
    postgres = killable_postgres
    async with AsyncExitStack() as stack:
        edge = await stack.enter_async_context(
            EdgeProcess(tmp_path, edge_database_url=postgres.url)
        )
        token = await token_of(edge)
        record = recorded(edge.port, token, milk_codes(4))
        cursor = await first_cursor(edge.port, token, record)
        followers = [kind(edge.port, token, cursor) for kind in FOLLOWERS]
        for follower in followers:
            await stack.enter_async_context(follower)
        rest = Load(edge.port, token, milk_codes(1))
        graph = Load(edge.port, token, milk_codes(2), graphql_scan, connections=4)
        async with rest, graph:
            await _some_more(rest, graph)
            await asyncio.to_thread(postgres.kill)
            await patiently(lambda: len(rest.refused) > 50 and len(graph.refused) > 50)
            await _everything_is_refused_alike(edge, token)
            await asyncio.to_thread(postgres.start)
            await _some_more(rest, graph)
            await asyncio.gather(rest.stop(), graph.stop())
        await record()
        found = await stored_on_postgres(postgres.url)
        found.holds_once([*rest.acknowledged, *graph.acknowledged])
        found.consistent()
        expected = found.after(cursor)
        for follower in followers:
            heard = follower.codes
            await patiently(lambda: len(heard) >= len(expected))  # noqa: B023 - awaited at once
            assert heard == expected, type(follower).__name__
        assert {answer.status for _, answer in rest.refused} == {503}
        assert {answer.body for _, answer in graph.refused} == {"SERVICE_UNAVAILABLE"}
        assert edge.faults() == []


async def _some_more(rest: Load, graph: Load) -> None:
    wanted = len(rest.acknowledged) + 50, len(graph.acknowledged) + 50
    await patiently(
        lambda: len(rest.acknowledged) >= wanted[0] and len(graph.acknowledged) >= wanted[1],
    )


async def _everything_is_refused_alike(edge: EdgeProcess, token: str) -> None:
    """Reads and writes, and the service itself stays up."""
    head = {"Authorization": f"Bearer {token}"}
    login = {"username": "admin", "password": "whatever it is"}
    async with httpx2.AsyncClient(base_url=edge.url, headers=head, timeout=20) as client:
        for request in (
            client.build_request("GET", "/api/v1/bottles"),
            client.build_request("GET", "/api/v1/batches"),
            client.build_request("POST", "/api/v1/events", json={"message": "away"}),
            client.build_request("POST", "/api/v1/auth/login", json=login),
        ):
            answer = await client.send(request)
            assert answer.status_code == 503, (request.url, answer.text)
            assert answer.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
        asked = {"query": "{ bottles(first: 5) { totalCount } }"}
        errors = (await client.post("/graphql", json=asked)).json()["errors"]
        assert errors[0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        health = await client.get("/health")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        assert (await client.get("/metrics")).status_code == 200

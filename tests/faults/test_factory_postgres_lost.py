"""PostgreSQL killed under two processes of a factory with devices on them, and back: refused
meanwhile in each face's words, nothing lost or counted twice, nobody restarts anything."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from domain.kernel.errors import DomainError
from domain.sync.ports import SyncBatch
from drivers.factory.sync_target import HttpFactory
from drivers.link import LinkState
from tests.support.callers import Load, graphql_scan, milk_codes, recorded
from tests.support.clients import Client
from tests.support.cloud import FAST
from tests.support.databases import SqliteFiles
from tests.support.deliveries import batch, bottle, pallet
from tests.support.factory_pair import (
    FactoryPair,
    client_of,
    dialling,
    dispatched,
    enrolled,
    factory_pair,
)
from tests.support.followers import EventFollower, GraphQLFollower, first_cursor
from tests.support.killable import KillablePostgres
from tests.support.processes import PASSWORD, FactoryProcess, patiently
from tests.support.rawedge import raw_device
from tests.support.stored import stored_on_postgres

BOTTLES = 5
TRY_AGAIN = 1013


@pytest.fixture
def pair(killable_postgres: KillablePostgres, tmp_path: Path) -> Iterator[FactoryPair]:
    """The database carries the wake-ups, too: all is lost at once."""
    url = killable_postgres.url
    broker = url.replace("postgresql://", "postgres://")
    with factory_pair(tmp_path, url, broker, heartbeat_s=1) as found:
        yield found


@dataclass
class Syncing:
    """A device that delivers, and everything twice: an answer may have been lost."""

    identifier: str
    targets: tuple[HttpFactory, HttpFactory]
    delivered: int = 0
    failed: int = 0
    items: list[str] = field(default_factory=list)
    stopping: bool = False

    async def run(self) -> None:
        while not self.stopping:
            states = self._next()
            for target in self.targets:
                receipt = await self._push(target, states)
                assert set(receipt.accepted) == set(states.ids)
            self.items += states.ids
            self.delivered += 1

    async def _push(self, target: HttpFactory, states: SyncBatch) -> Any:
        while True:
            with suppress(DomainError):
                return await target.push(states)
            self.failed += 1
            await asyncio.sleep(0.05)  # an edge would wait longer

    def _next(self) -> SyncBatch:
        # Ids are unique across edges: each of them counts from its own thousand.
        number = self.delivered + 1_000 * int(self.identifier[-1])
        first = number * BOTTLES
        return SyncBatch(
            idempotency_key=f"{self.identifier}-{number}",
            bottles=tuple(bottle(first + n, batch=number) for n in range(BOTTLES)),
            batches=(batch(number, pallet=number),),
            pallets=(pallet(number),),
        )


async def _stored_items(url: str) -> dict[str, list[str]]:
    connection = await asyncpg.connect(url)
    try:
        queries = {
            "items": "SELECT id FROM bottle WHERE origin LIKE 'sync-%' UNION ALL "
            "SELECT id FROM batch UNION ALL SELECT id FROM pallet",
            "history": "SELECT subject_id FROM trace_event WHERE kind = 'RECEIVED'",
            "inside": "SELECT child_id FROM containment",
        }
        found = {name: await connection.fetch(query) for name, query in queries.items()}
    finally:
        await connection.close()
    return {
        name: sorted(str(row[0]).replace("-", "") for row in rows) for name, rows in found.items()
    }


async def test_a_factory_outlives_its_postgres(
    pair: FactoryPair,
    killable_postgres: KillablePostgres,
    sqlite_files: SqliteFiles,
    tmp_path: Path,
) -> None:
    postgres, both = killable_postgres, (pair.one, pair.two)
    record = recorded(pair.one.port, pair.token, milk_codes(1), graphql_scan)
    cursor = await first_cursor(pair.one.port, pair.token, record)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        client = await enter(client_of(pair.one, pair.token))
        names = ["sync-1", "sync-2"]
        tokens = [await enrolled(client, name) for name in names]
        stranger = await enrolled(client, "stranger")
        edges = [
            await enter(dialling(sqlite_files, tmp_path, process, token, name))
            for process, token, name in zip(both, tokens, names, strict=True)
        ]
        followers = [
            await enter(kind(process.port, pair.token, cursor))
            for kind in (GraphQLFollower, EventFollower)
            for process in both
        ]
        syncing = [
            Syncing(name, await _targets(stack, both, name, token))
            for name, token in zip(names, tokens, strict=True)
        ]
        loads = [
            await enter(Load(one.port, pair.token, milk_codes(seed), graphql_scan, connections=3))
            for seed, one in enumerate(both, 2)
        ]
        work = [asyncio.create_task(one.run()) for one in syncing]
        for task in work:
            stack.callback(task.cancel)
        await asyncio.gather(*(edge.connected() for edge in edges))
        await _more(loads, syncing)
        lost = [edge.task.expect(LinkState.LOST) for edge in edges]
        await asyncio.to_thread(postgres.kill)
        await patiently(lambda: all(len(load.refused) > 20 for load in loads))
        await patiently(lambda: all(one.failed > 5 for one in syncing))
        async with asyncio.timeout(20):
            await asyncio.gather(*lost)
        for process in both:
            await _all_is_refused_alike(process, pair.token, tokens[0])
            async with raw_device(process.devices_url, stranger, hello=False) as device:
                assert await device.closed() == TRY_AGAIN
        await asyncio.to_thread(postgres.start)
        await _more(loads, syncing)
        await asyncio.gather(*(edge.connected() for edge in edges))
        await _all_are_reached(client, names)
        for one in syncing:
            one.stopping = True
        await asyncio.gather(*work, *(load.stop() for load in loads))
        await record()
        found = await stored_on_postgres(postgres.url)
        expected = found.after(cursor)
        for follower in followers:
            heard = follower.codes
            await patiently(lambda: len(heard) >= len(expected))  # noqa: B023 - awaited at once
            assert heard == expected, type(follower).__name__
    found.holds_once([code for load in loads for code in load.acknowledged])
    assert {answer.body for load in loads for _, answer in load.refused} == {"SERVICE_UNAVAILABLE"}
    stored = await _stored_items(postgres.url)
    delivered = sorted(item for one in syncing for item in one.items)
    assert stored["items"] == stored["history"] == delivered
    assert len(stored["inside"]) == sum(one.delivered for one in syncing) * (BOTTLES + 1)
    assert pair.faults() == []


async def _targets(
    stack: AsyncExitStack, both: tuple[FactoryProcess, FactoryProcess], name: str, token: str
) -> tuple[HttpFactory, HttpFactory]:
    async def own() -> str:
        return token

    one, two = [
        await stack.enter_async_context(HttpFactory(p.url, name, own, timeout_s=10, retry=FAST))
        for p in both
    ]
    return one, two


async def _more(loads: list[Load], syncing: list[Syncing]) -> None:
    wanted = [len(load.acknowledged) + 40 for load in loads]
    deliveries = [one.delivered + 5 for one in syncing]
    await patiently(
        lambda: (
            all(len(load.acknowledged) >= n for load, n in zip(loads, wanted, strict=True))
            and all(one.delivered >= n for one, n in zip(syncing, deliveries, strict=True))
        )
    )


async def _all_are_reached(client: Client, names: list[str]) -> None:
    for name in names:
        assert (await dispatched(client, name, f"{name}-back"))["status"] == "SUCCEEDED"
    sessions = (await client.http.get("/api/v1/devices/connected")).json()["data"]
    assert sorted(one["deviceId"] for one in sessions) == names
    devices = (await client.http.get("/api/v1/devices")).json()["data"]
    assert {one["status"] for one in devices if one["id"] in names} == {"online"}


async def _all_is_refused_alike(process: FactoryProcess, token: str, device: str) -> None:
    login = {"username": "admin", "password": PASSWORD}
    order = {"command": {"type": "force_sync"}}
    empty = {"deviceId": "sync-1", "bottles": [], "batches": [], "pallets": []}
    own = {"Authorization": f"Bearer {device}"}
    head = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=process.url, headers=head, timeout=20) as client:
        for asked in (
            client.build_request("GET", "/api/v1/devices"),
            client.build_request("GET", "/api/v1/devices/sync-1/commands"),
            client.build_request("POST", "/api/v1/devices/sync-1/commands", json=order),
            client.build_request("POST", "/api/v1/devices", json={"identifier": "new"}),
            client.build_request("POST", "/api/v1/auth/login", json=login),
            client.build_request("POST", "/api/v1/sync", json=empty, headers=own),
            client.build_request("POST", "/api/v1/devices/sync-1/heartbeat", json={}, headers=own),
        ):
            answer = await client.send(asked)
            assert answer.status_code == 503, (asked.url, answer.text)
            assert answer.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
        query = {"query": "{ devices(first: 5) { totalCount } }"}
        errors = (await client.post("/graphql", json=query)).json()["errors"]
        assert errors[0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        health = await client.get("/health")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        assert (await client.get("/metrics")).status_code == 200

"""A real edge and a real factory, the link between them bad, either killed at random moments: at
the end both hold exactly the same."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from domain.kernel.database import Database
from tests.support.callers import Line, milk_codes, token_of
from tests.support.clients import Client
from tests.support.databases import PostgresServer
from tests.support.factory_pair import client_of, database_beside, dispatched, enrolled
from tests.support.holdings import held
from tests.support.processes import EdgeProcess, FactoryProcess, ServiceProcess, patiently
from tests.support.proxy import Trouble, bad_weather, proxied
from tests.support.waiting import until

EDGE = "edge-001"
PATIENT_S = 90.0
CUSTOMER = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a factory's data is to lie, and a seed for what happens to it."""

    settings: dict[str, Any]
    url: str
    seed: int


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        yield Place({}, f"sqlite:///{tmp_path}/factory/data/factory.db", 1)
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with database_beside(server) as url:
        yield Place({"factory_database_url": url}, url, 2)


async def test_both_hold_the_same_whatever_happens(place: Place, tmp_path: Path) -> None:
    random = Random(place.seed)
    for name in ("edge", "factory"):
        (tmp_path / name).mkdir()
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        factory = await enter(FactoryProcess(tmp_path / "factory", **place.settings))
        admin = await token_of(factory)
        client = await enter(client_of(factory, admin))
        proxy = await enter(proxied(factory.port))
        line = await enter(Line(milk_codes(place.seed), window=2, pause_s=0.02))
        told: dict[str, Any] = {
            "factory_url": proxy.url,
            "edge_token": await enrolled(client, EDGE),
            "edge_identifier": EDGE,
            "sync_interval_s": 0.2,
            "scanners": line.settings(),
            "pack_size": 4,
            "pallet_size": 3,
        }
        edge = await enter(EdgeProcess(tmp_path / "edge", **told))
        token = await token_of(edge)
        local = await enter(client_of(edge, token))
        await _some_more(line)
        weather = asyncio.create_task(
            bad_weather(proxy, Random(place.seed), rough_s=0.3, calm_s=0.4)
        )
        stack.callback(weather.cancel)
        victims: list[ServiceProcess] = [edge, factory]
        random.shuffle(victims)
        for victim in victims:
            # The moment of the kill is what this is about; nothing is waited for.
            await asyncio.sleep(random.uniform(0.2, 1.5))
            victim.kill()
            await victim.start()
            await _some_more(line)
        weather.cancel()
        proxy.set(Trouble.NONE)
        await line.stop()
        await _agreed(local, tmp_path, place)
        await _orders_arrive(client)
        mine, theirs = await _both(tmp_path, place)
        assert mine == theirs
        assert {row["identifier"] for row in mine["Bottle"]} >= set(line.acknowledged)
        assert len(mine["Batch"]) > 10
        assert len(mine["Pallet"]) > 3
        assert len(mine["Containment"]) > 40
        assert not line.refused
        assert edge.faults() == factory.faults() == []


async def _some_more(line: Line) -> None:
    wanted = len(line.acknowledged) + 60
    await patiently(lambda: len(line.acknowledged) >= wanted)


async def _both(folder: Path, place: Place) -> tuple[dict[str, Any], dict[str, Any]]:
    found = []
    for url in (f"sqlite:///{folder}/edge/data/edge.db", place.url):
        database = Database(url)
        try:
            found.append(await held(database, CUSTOMER))
        finally:
            await database.close()
    return found[0], found[1]


async def _agreed(local: Client, folder: Path, place: Place) -> None:
    """The last of what was read is packed, delivered and acknowledged."""

    async def are_so() -> bool:
        status = (await local.http.get("/api/v1/sync/status")).json()["data"]
        if status["queueSize"]:
            return False
        mine, theirs = await _both(folder, place)
        return mine == theirs

    with suppress(TimeoutError):  # then the caller's comparison says in what they differ
        await until(are_so, PATIENT_S)


async def _orders_arrive(client: Client) -> None:
    """The channel comes back by itself, too: what it finds waiting it carries out."""
    await dispatched(client, EDGE, "at-the-end", timeoutMs=1_000)
    path = f"/api/v1/devices/{EDGE}/commands/at-the-end"

    async def is_done() -> bool:
        return bool((await client.http.get(path)).json()["data"]["status"] == "SUCCEEDED")

    await until(is_done, PATIENT_S)

"""Scans of gateways while a factory is killed, and with several of its processes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import orjson
import pytest

from drivers.mqtt.configuration import Admitted
from tests.support.clients import Client
from tests.support.databases import PostgresServer
from tests.support.factory_pair import database_beside, redis_beside
from tests.support.mqtt import LetIn, admitted, let_in_by, scan_event, scans_of
from tests.support.mqtt import running_broker as broker_of_its_own
from tests.support.processes import PASSWORD, FactoryProcess, free_port
from tests.support.waiting import eventually

PATIENCE_S = 60.0
LOGIN = 'mutation ($p: String!) { login(username: "admin", password: $p) { token } }'


@asynccontextmanager
async def admin_of(factory: FactoryProcess) -> AsyncIterator[Client]:
    async with httpx2.AsyncClient(base_url=factory.url, timeout=30.0) as http:
        anybody = Client(factory.address, None, http)
        token = (await anybody.ask(LOGIN, p=PASSWORD))["login"]["token"]
        http.headers["authorization"] = f"Bearer {token}"
        yield Client(factory.address, token, http)


async def all_stored(admin: Client, count: int) -> list[str]:
    found: list[Any] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(found) < count:
            found = await scans_of(admin)
            await asyncio.sleep(0.05)
    return [one["code"] for one in found]


async def test_killed_again_and_again_it_stores_each_scan_once(tmp_path: Path) -> None:
    """The broker is somebody else's, and there all the time."""
    keys = tmp_path / "keys"
    async with broker_of_its_own(tmp_path) as broker:
        settings: dict[str, Any] = {"mqtt_url": broker.bundled.url, "keys_dir": str(keys)}
        async with FactoryProcess(tmp_path, **settings) as factory:
            async with admin_of(factory) as admin:
                gateway = await let_in_by(admin, admin, "Gateway1")
            await broker.bundled.admit([Admitted(gateway.thing_name, UUID(gateway.uuid).hex)])
            codes = [f"scan {number}" for number in range(300)]
            publishing = asyncio.create_task(publish(gateway, codes))
            for _ in range(3):
                await asyncio.sleep(0)  # it publishes meanwhile
                await eventually(lambda: factory.alive)
                factory.kill()
                await factory.start()
            await publishing
            async with admin_of(factory) as admin:
                found = await all_stored(admin, len(codes))
            assert sorted(found) == sorted(codes)


async def publish(gateway: LetIn, codes: list[str]) -> None:
    async with gateway.connected() as client:
        for code in codes:
            payload = orjson.dumps(scan_event(code))
            await client.publish_acknowledged(gateway.topic, payload, 30.0)
            await asyncio.sleep(0.01)  # a scanner's pace, so that some of it meets each death


@pytest.fixture
def shared(postgres_server: PostgresServer) -> Iterator[dict[str, Any]]:
    with redis_beside() as redis, database_beside(postgres_server) as url:
        yield {"factory_database_url": url, "broadcast_url": redis.url}


async def test_of_several_processes_one_takes_them(shared: dict[str, Any], tmp_path: Path) -> None:
    port = free_port()
    settings = shared | {"mqtt": "bundled", "mqtt_port": port}
    async with FactoryProcess(tmp_path, "--workers", "2", **settings) as factory:
        await _publishes(factory, port)
        assert factory.faults() == []


async def _publishes(factory: FactoryProcess, port: int) -> None:
    async with admin_of(factory) as admin:
        gateway = await let_in_by(admin, admin, "Gateway1")
        assert gateway.url == f"mqtts://localhost:{port}"
        await admitted(gateway)
        codes = [f"scan {number}" for number in range(40)]
        await publish(gateway, codes)
        assert await all_stored(admin, len(codes)) == codes

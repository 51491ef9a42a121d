"""Two processes of one factory on one PostgreSQL, their broker, and the devices that dial them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import pytest

from tests.support.callers import token_of
from tests.support.clients import DEADLINE_S, Client
from tests.support.databases import PostgresServer, SqliteFiles, new_customer
from tests.support.edge_link import Deeds, LinkedEdge, ledger, linked_edge
from tests.support.processes import FactoryProcess, ServiceProcess
from tests.support.redis import RedisServer

REGISTER = "mutation ($input: RegisterDeviceInput!) { registerDevice(input: $input) { id } }"
ISSUE = "mutation ($id: ID!) { issueDeviceToken(deviceId: $id) { token } }"
DISPATCH = (
    "mutation ($input: DispatchCommandInput!) "
    "{ dispatchCommand(input: $input) { commandId status result errorCode } }"
)


@dataclass(frozen=True, slots=True)
class FactoryPair:
    """`token` is an administrator's, good at both. `redis` is None where PostgreSQL carries the
    wake-ups, too."""

    one: FactoryProcess
    two: FactoryProcess
    token: str
    database_url: str
    redis: RedisServer | None = None

    def faults(self) -> list[str]:
        return [*self.one.faults(), *self.two.faults()]


@contextmanager
def factory_pair(
    folder: Path,
    database_url: str,
    broadcast_url: str,
    redis: RedisServer | None = None,
    **more: Any,
) -> Iterator[FactoryPair]:
    """Started at once, as after a power cut: they meet in an empty database and key folder."""
    told: dict[str, Any] = {
        "factory_database_url": database_url,
        "broadcast_url": broadcast_url,
        "keys_dir": folder / "keys",
        **more,
    }
    both = [FactoryProcess(_own(folder, name), **told) for name in ("one", "two")]

    async def start() -> str:
        await asyncio.gather(*(one.start() for one in both))
        return await token_of(both[0])

    try:
        yield FactoryPair(both[0], both[1], asyncio.run(start()), database_url, redis)
    finally:
        for one in both:
            one.close()


@contextmanager
def redis_beside() -> Iterator[RedisServer]:
    with TemporaryDirectory(prefix="okto-redis-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def database_beside(server: PostgresServer) -> Iterator[str]:
    """The URL of a fresh one that processes open by themselves."""
    name = asyncio.run(server.make())
    try:
        yield server.url(name)
    finally:
        asyncio.run(server.drop(name))


@pytest.fixture(scope="session")
def redis_pair(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FactoryPair]:
    """Shared by the tests of one xdist group: each brings devices and codes of its own."""
    folder = tmp_path_factory.mktemp("redis-pair")
    with (
        redis_beside() as redis,
        database_beside(postgres_server) as url,
        factory_pair(folder, url, redis.url, redis) as pair,
    ):
        yield pair


@pytest.fixture(scope="session")
def postgres_pair(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FactoryPair]:
    folder = tmp_path_factory.mktemp("postgres-pair")
    with (
        database_beside(postgres_server) as url,
        factory_pair(folder, url, url.replace("postgresql://", "postgres://")) as pair,
    ):
        yield pair


@asynccontextmanager
async def client_of(service: ServiceProcess, token: str | None) -> AsyncIterator[Client]:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(
        base_url=service.url, headers=headers, timeout=DEADLINE_S * 2
    ) as http:
        yield Client(service.address, token, http)


async def enrolled(client: Client, identifier: str) -> str:
    """Registers a device; its token."""
    await client.ask(REGISTER, input={"identifier": identifier})
    return str((await client.ask(ISSUE, id=identifier))["issueDeviceToken"]["token"])


async def dispatched(client: Client, device: str, key: str, **more: Any) -> dict[str, Any]:
    """By GraphQL, answered."""
    asked = {"deviceId": device, "type": "FORCE_SYNC", "commandId": key} | more
    found: dict[str, Any] = (await client.ask(DISPATCH, input=asked))["dispatchCommand"]
    return found


async def grouped(client: Client, *names: str) -> str:
    """A group of them; its id."""
    body = {"name": " and ".join(names), "deviceIds": names}
    made = await client.http.post("/api/v1/device-groups", json=body)
    assert made.json()["data"]["deviceCount"] == len(names), made.text
    return str(made.json()["data"]["id"])


@asynccontextmanager
async def dialling(
    files: SqliteFiles, folder: Path, service: FactoryProcess, token: str, name: str = "device"
) -> AsyncIterator[LinkedEdge]:
    """A device with a disk of its own, whose commands all succeed."""
    async with AsyncExitStack() as stack:
        disk = await stack.enter_async_context(files.fresh(folder / f"{name}.db"))
        book = ledger(disk, await new_customer(disk, name))
        deeds = Deeds()
        deeds.gate.set()
        yield await stack.enter_async_context(
            linked_edge(lambda: service.devices_url, token, book, deeds)
        )


def _own(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir(parents=True)
    return made

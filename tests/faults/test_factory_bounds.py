"""A factory that is asked for too much, or for what nobody should get: bounded, refused in its own
words, and nothing is left behind."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import quote

import pytest

from tests.support.callers import Connection, token_of
from tests.support.clients import Client
from tests.support.databases import SqliteFiles
from tests.support.factory_pair import FactoryPair, client_of, dialling, enrolled, grouped
from tests.support.processes import PATIENCE_S, FactoryProcess, patiently
from tests.support.raw_http import exchange, opened, request
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("factory-pair")
STORM = 3_000
GROUP_STORM = 1_500
CALLERS = 1_500
MAX_OPEN = 100
MORE_MEMORY_BYTES = 96 * 1024 * 1024
MIB = 1024 * 1024
RELEASES = "/api/v1/firmware/releases"
COUNT = "query ($device: ID) { commands(deviceId: $device) { totalCount } }"


@dataclass(frozen=True, slots=True)
class Factory:
    process: FactoryProcess
    token: str

    def artifacts(self) -> list[str]:
        """Every file below the folder, hidden ones too."""
        folder = self.process.data_dir / "artifacts"
        return sorted(str(path) for path in folder.rglob("*") if path.is_file())

    def upload(self, version: str, filename: str = "fw.bin") -> str:
        return f"{RELEASES}?version={quote(version)}&filename={quote(filename)}"


@pytest.fixture(scope="session")
def sqlite_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    process = FactoryProcess(tmp_path_factory.mktemp("bounds"))

    async def start() -> str:
        await process.start()
        return await token_of(process)

    try:
        yield Factory(process, asyncio.run(start()))
    finally:
        process.close()


@pytest.fixture(scope="session")
def postgres_process(redis_pair: FactoryPair) -> Factory:
    return Factory(redis_pair.one, redis_pair.token)


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def factory(request: pytest.FixtureRequest) -> Factory:
    return cast(Factory, request.getfixturevalue(f"{request.param}_process"))


@pytest.fixture
async def client(factory: Factory) -> AsyncIterator[Client]:
    async with client_of(factory.process, factory.token) as found:
        yield found
    assert factory.process.faults() == []


@dataclass
class Storm:
    """`left` times the same command, from CALLERS at once."""

    factory: Factory
    path: str
    left: int
    codes: Counter[str] = field(default_factory=Counter)

    async def run(self) -> None:
        await asyncio.gather(*(self._caller() for _ in range(CALLERS)))

    async def _caller(self) -> None:
        body = {"command": {"type": "force_sync"}, "timeoutMs": 120_000}
        async with Connection(self.factory.process.port, self.factory.token) as connection:
            while self.left > 0:
                self.left -= 1
                answer = await connection.post(self.path, body)
                given = answer.body if answer.status != 200 else {"error": {"code": "taken"}}
                self.codes[given["error"]["code"]] += 1


async def commands_of(client: Client, device: str) -> int:
    return int((await client.ask(COUNT, device=device))["commands"]["totalCount"])


async def test_a_storm_at_one_device(
    factory: Factory, client: Client, sqlite_files: SqliteFiles, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        token = await enrolled(client, "storm-one")
        edge = await stack.enter_async_context(
            dialling(sqlite_files, tmp_path, factory.process, token)
        )
        await edge.connected()
        edge.deeds.gate.clear()
        before = factory.process.resident_bytes()
        storm = Storm(factory, "/api/v1/devices/storm-one/commands", STORM)
        raging = asyncio.create_task(storm.run())
        await patiently(lambda: storm.codes["RATE_LIMITED"] == STORM - MAX_OPEN)

        async def all_are_taken() -> bool:
            return await commands_of(client, "storm-one") == MAX_OPEN

        await until(all_are_taken, PATIENCE_S)
        edge.deeds.gate.set()
        await raging
        assert storm.codes == {"RATE_LIMITED": STORM - MAX_OPEN, "taken": MAX_OPEN}
        assert len(edge.deeds.done) == MAX_OPEN
        assert factory.process.resident_bytes() - before < MORE_MEMORY_BYTES


async def test_a_storm_at_a_group(factory: Factory, client: Client) -> None:
    """Of devices that are away: nothing is awaited, all of it waits in the database."""
    names = [f"storm-{number}" for number in range(3)]
    for name in names:
        await enrolled(client, name)
    before = factory.process.resident_bytes()
    group = await grouped(client, *names)
    storm = Storm(factory, f"/api/v1/device-groups/{group}/commands", GROUP_STORM)
    await storm.run()
    assert storm.codes == {"RATE_LIMITED": GROUP_STORM - MAX_OPEN, "taken": MAX_OPEN}
    assert [await commands_of(client, name) for name in names] == [MAX_OPEN] * 3
    assert factory.process.resident_bytes() - before < MORE_MEMORY_BYTES


def upload_head(factory: Factory, version: str, *more: str) -> bytes:
    return request("POST", factory.upload(version), factory.token, None, *more)


@pytest.mark.parametrize("how", ["length", "chunked"])
async def test_an_upload_that_is_cut_half_way_leaves_nothing(
    factory: Factory, client: Client, how: str
) -> None:
    before = factory.artifacts(), (await client.http.get(RELEASES)).json()
    if how == "chunked":
        head = upload_head(factory, "9.0.0", "Transfer-Encoding: chunked")
        half = b"%x\r\n" % (8 * MIB) + bytes(8 * MIB) + b"\r\n"
    else:
        head = upload_head(factory, "9.0.0", f"Content-Length: {16 * MIB}")
        half = bytes(8 * MIB)
    for politely in (True, False):
        async with opened(factory.process.port) as (_, writer):
            writer.write(head + half)
            await patiently(lambda: factory.artifacts() != before[0])
            if politely:
                writer.write_eof()
                await patiently(lambda: factory.artifacts() == before[0])
        await patiently(lambda: factory.artifacts() == before[0])
    assert (await client.http.get(RELEASES)).json() == before[1]
    whole = await client.http.post(factory.upload(f"9.0.{len(how)}"), content=bytes(6 * MIB))
    assert whole.json()["data"]["size"] == 6 * MIB
    assert len(factory.artifacts()) == len(before[0]) + 1


TRICKS = (
    "../../../../tmp/x",
    "..",
    ".",
    "",
    "/etc/passwd",
    "a/b.bin",
    "a\\b.bin",
    "C:fw.bin",
    "..%2f..%2fx",
    "a\x00.bin",
    "a\n.bin",
    "fw.bin\u202e",
    "a" * 129,
)


async def test_a_name_is_never_a_path(factory: Factory, client: Client) -> None:
    before = factory.artifacts(), (await client.http.get(RELEASES)).json()
    asked = [factory.upload("7.0.0", name) for name in TRICKS]
    asked += [factory.upload(version) for version in ("../7.0.0", "7.0.0/..", "7.0", "")]
    for path in asked:
        answer = await client.http.post(path, content=b"firmware")
        assert answer.status_code == 400, path
        assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
    for key in ("..%2f..%2fsecrets.key", "%2e%2e", "incoming%2fx", "%00"):
        path = f"{RELEASES}/{key}/artifact"
        refused = await exchange(factory.process.port, request("GET", path, factory.token))
        assert (refused.status, refused.json["success"]) == (404, False), path
    assert (factory.artifacts(), (await client.http.get(RELEASES)).json()) == before

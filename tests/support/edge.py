"""A real edge for tests: the whole process's inside on a free port, a client for each role.

The first edge of a process is started in full and kept as a template (migrated, demo accounts
made); later ones start from a copy of its folder and differ by their log's identity only.
"""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from gc import unfreeze
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from sqlalchemy import event
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from domain.identity import repository as identity
from domain.identity.rules import actor_of
from domain.kernel.actor import Actor, system_actor
from domain.kernel.database import Database
from domain.kernel.ids import new_id
from graph.context import Context
from oktograph.asgi import edge_app
from oktograph.edge import EdgeRuntime
from oktograph.serving import Server
from oktograph.settings import Settings
from tests.support.contents import Contents, contents
from tests.support.databases import PostgresServer
from tests.support.waiting import eventually

DEADLINE_S = 10.0
ROLES = ("operator", "manager", "admin", "auditor")
GRAPHQL_WS = Subprotocol("graphql-transport-ws")
Json = dict[str, Any]


class LegacySocket:
    """A client of the old `/ws`."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def hear(self) -> Json:
        async with asyncio.timeout(DEADLINE_S):
            return cast(Json, json.loads(await self.socket.recv()))

    async def hear_type(self, wanted: str) -> Json:
        """The next message of one type; others are passed over."""
        while (heard := await self.hear())["type"] != wanted:
            pass
        return heard

    async def closed(self) -> tuple[int, str]:
        """How the server ended it, whatever it still said before."""
        with pytest.raises(ConnectionClosed) as ended:
            await self._hear_to_the_end()
        assert ended.value.rcvd is not None, "ended without a close frame"
        return ended.value.rcvd.code, ended.value.rcvd.reason

    async def _hear_to_the_end(self) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                await self.socket.recv()


class Subscription:
    """One operation on a `graphql-transport-ws` socket of its own."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def message(self) -> Json:
        async with asyncio.timeout(DEADLINE_S):
            return cast(Json, json.loads(await self.socket.recv()))

    async def next(self) -> Json:
        """The data of the next result."""
        heard = await self.message()
        assert heard["type"] == "next", heard
        assert "errors" not in heard["payload"], heard
        return cast(Json, heard["payload"]["data"])

    async def take(self, count: int) -> list[Json]:
        return [await self.next() for _ in range(count)]

    async def refused(self) -> str:
        """The code of the error that ends it."""
        heard = await self.message()
        assert heard["type"] in ("error", "next"), heard
        errors = heard["payload"] if heard["type"] == "error" else heard["payload"]["errors"]
        return cast(str, errors[0]["extensions"]["code"])


class EventSource:
    """One operation as server-sent events."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def event(self) -> dict[str, str]:
        """The next one that is not a comment."""
        found: dict[str, str] = {}
        async with asyncio.timeout(DEADLINE_S):
            async for line in self._lines:
                if not line and found:
                    return found
                name, _, value = line.partition(":")
                if name:
                    found[name] = value.strip()
        return found

    async def next(self) -> Json:
        found = json.loads((await self.event())["data"])
        assert "errors" not in found, found
        return cast(Json, found["data"])


@dataclass
class Client:
    """Somebody with a token, or nobody with None."""

    address: str
    token: str | None
    http: httpx2.AsyncClient

    async def graphql(self, query: str, variables: Json | None = None) -> Json:
        """The whole answer, errors and all."""
        body = {"query": query, "variables": variables or {}}
        answer = await self.http.post("/graphql", json=body)
        assert answer.status_code in (200, 401), answer.text
        return cast(Json, answer.json())

    async def ask(self, query: str, **variables: Any) -> Json:
        """The data of an answer without errors."""
        answer = await self.graphql(query, variables)
        assert "errors" not in answer, answer
        return cast(Json, answer["data"])

    async def refusal(self, query: str, **variables: Any) -> Json:
        """The first error of an answer that has one: `message` and `extensions`."""
        answer = await self.graphql(query, variables)
        assert answer.get("errors"), answer
        return cast(Json, answer["errors"][0])

    async def code(self, query: str, **variables: Any) -> str:
        """Its code."""
        return cast(str, (await self.refusal(query, **variables))["extensions"]["code"])

    @asynccontextmanager
    async def subscribe(self, query: str, **variables: Any) -> AsyncIterator[Subscription]:
        """Begun when this returns, as far as a client can know: a ping was answered after it."""
        where = f"ws://{self.address}/graphql"
        async with connect(where, subprotocols=[GRAPHQL_WS], max_queue=None) as socket:
            given = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
            await socket.send(json.dumps({"type": "connection_init", "payload": given}))
            subscription = Subscription(socket)
            acknowledged = await subscription.message()
            assert acknowledged["type"] == "connection_ack", acknowledged
            payload = {"query": query, "variables": variables}
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            yield subscription

    @asynccontextmanager
    async def event_source(
        self, query: str, last_event_id: str | None = None, **variables: Any
    ) -> AsyncIterator[EventSource]:
        headers = {"accept": "text/event-stream"}
        if last_event_id is not None:
            headers["last-event-id"] = last_event_id
        body = {"query": query, "variables": variables}
        async with self.http.stream("POST", "/graphql", json=body, headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            yield EventSource(answer.aiter_lines())

    @asynccontextmanager
    async def ws(
        self, parameters: str | None = None, subprotocols: list[str] | None = None
    ) -> AsyncIterator[LegacySocket]:
        """The old socket; by default with this client's token in the address."""
        if parameters is None:
            parameters = "" if self.token is None else f"?token={self.token}"
        protocols = [Subprotocol(name) for name in subprotocols or ()]
        where = f"ws://{self.address}/ws{parameters}"
        async with connect(where, subprotocols=protocols or None, max_queue=None) as socket:
            yield LegacySocket(socket)


@dataclass
class Edge:
    """A running edge. Clients are made when they are first used."""

    runtime: EdgeRuntime
    port: int
    clients: dict[str, Client] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def database(self) -> Database:
        return self.runtime.services.database

    @property
    def customer_id(self) -> int:
        return self.runtime.core.customer.id

    @property
    def system(self) -> Actor:
        return system_actor("test", self.customer_id)

    def context(self, actor: Actor) -> Context:
        """For calling what no face offers, as that actor."""
        return Context(actor, self.runtime.services)

    async def logged_in(self, role: str) -> Client:
        """A demo account's client. Its token is issued, not earned by a password: hashing one for
        every test costs more than the rest of them."""
        if role not in self.clients:
            async with self.database.read() as session:
                found = await identity.credential(session, role)
            assert found is not None, role
            self.clients[role] = self.client(self.token(found.user))
        return self.clients[role]

    def token(self, user: Any) -> str:
        return self.runtime.services.identity.tokens.issue(user).token

    def client(self, token: str | None = None) -> Client:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        http = httpx2.AsyncClient(
            base_url=f"http://{self.address}", headers=headers, timeout=DEADLINE_S
        )
        made = Client(self.address, token, http)
        self.clients[f"client {len(self.clients)}"] = made
        return made

    async def actor(self, role: str) -> Actor:
        async with self.database.read() as session:
            found = await identity.credential(session, role)
        assert found is not None, role
        return actor_of(found.user)

    async def contents(self) -> Contents:
        return await contents(self.database)

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """What the pool's connections execute meanwhile, transactions' own words left out."""
        seen: list[str] = []

        def note(*given: Any) -> None:
            if not given[2].startswith(("BEGIN", "COMMIT", "ROLLBACK")):
                seen.append(given[2])

        engine = self.database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(engine, "before_cursor_execute", note)

    async def subscribers(self, count: int) -> None:
        """Waits until so many listen to the log."""
        await eventually(lambda: self.live() == count)

    def live(self) -> int:
        return self.runtime.services.streams.live


@asynccontextmanager
async def running_edge(data_dir: Path, **settings: Any) -> AsyncIterator[Edge]:
    """An edge on a free port: demo accounts, mock mode, no demo line."""
    told = {"demo": True, "mock": True, "data_dir": data_dir} | settings
    runtime = EdgeRuntime(Settings(_env_file=None, **told))
    await runtime.start()
    unfreeze()  # a test's edge does not live as long as its process
    server = Server(edge_app(runtime), "127.0.0.1", 0)
    serving = asyncio.create_task(server.run_until_told())
    edge = Edge(runtime, server.port)
    try:
        await eventually(lambda: server.started)
        yield edge
    finally:
        for client in edge.clients.values():
            await client.http.aclose()
        server.should_exit = True
        await serving
        await runtime.stop()


class EdgeFolders:
    """Copies of the data folder of one edge that was started once."""

    def __init__(self, template: Path) -> None:
        self._template = template

    async def fresh(self, folder: Path) -> Path:
        if not self._template.exists():
            await self._fill_template()
        shutil.copytree(self._template, folder)
        connection = sqlite3.connect(folder / "edge.db")
        with connection:
            connection.execute("UPDATE event_log_state SET log_id = ?", (new_id(),))
        connection.close()
        return folder

    async def _fill_template(self) -> None:
        unfinished = self._template.with_suffix(".unfinished")
        runtime = EdgeRuntime(Settings(_env_file=None, demo=True, data_dir=unfinished))
        await runtime.start()
        unfreeze()
        await asyncio.sleep(0)  # background work that never began would be warned of
        await runtime.stop()
        unfinished.rename(self._template)


@pytest.fixture(scope="session")
def edge_folders(tmp_path_factory: pytest.TempPathFactory) -> EdgeFolders:
    return EdgeFolders(tmp_path_factory.mktemp("edge") / "template")


@pytest.fixture
def edge_settings() -> Json:
    """What a test wants otherwise: override it in the test's own folder or by parametrising."""
    return {}


@pytest.fixture
async def edge(
    edge_folders: EdgeFolders, tmp_path: Path, edge_settings: Json
) -> AsyncIterator[Edge]:
    """On SQLite."""
    folder = await edge_folders.fresh(tmp_path / "data")
    async with running_edge(folder, **edge_settings) as started:
        yield started


@pytest.fixture
async def postgres_edge(
    postgres_server: PostgresServer, tmp_path: Path, edge_settings: Json
) -> AsyncIterator[Edge]:
    async with (
        postgres_server.fresh() as database,
        running_edge(
            tmp_path / "postgres-data",
            edge_database_url=database.url.set(drivername="postgresql").render_as_string(
                hide_password=False
            ),
            **edge_settings,
        ) as started,
    ):
        yield started


@pytest.fixture(params=["edge", "postgres_edge"], ids=["sqlite", "postgres"])
def each_edge(request: pytest.FixtureRequest) -> Edge:
    """The test runs once on each database."""
    return cast(Edge, request.getfixturevalue(request.param))


@pytest.fixture
async def operator(edge: Edge) -> Client:
    return await edge.logged_in("operator")


@pytest.fixture
async def manager(edge: Edge) -> Client:
    return await edge.logged_in("manager")


@pytest.fixture
async def admin(edge: Edge) -> Client:
    return await edge.logged_in("admin")


@pytest.fixture
async def auditor(edge: Edge) -> Client:
    return await edge.logged_in("auditor")


@pytest.fixture
def anonymous(edge: Edge) -> Client:
    return edge.client()

"""A small schema over a real log, and a real server for it: what the engine's tests run on."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import strawberry
from sqlalchemy import insert
from sqlmodel import SQLModel
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from strawberry.dataloader import DataLoader

from domain.kernel.actor import ANONYMOUS, Actor, ActorKind
from domain.kernel.clock import SystemClock
from domain.kernel.columns import table_of
from domain.kernel.database import Database
from domain.kernel.errors import Forbidden, NotFound, Unauthorized
from domain.kernel.eventlog import LogRow, LogState
from domain.kernel.fanout import Fanout
from domain.kernel.ids import new_id
from domain.kernel.permissions import Permission
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from graph.documents import DocumentStore
from graph.execution import Engine
from graph.streams import Streams, StreamSource, open_stream
from graph.transport import TransportSettings, graphql_routes
from tests.support.asgi import on_port

SCAN_READ = Permission.PRODUCTION_SCAN_READ


def user(name: str, *permissions: Permission, customer_id: int = 1) -> Actor:
    return Actor(ActorKind.USER, customer_id, name, name, frozenset(permissions))


WRITER = user("writer", *Permission)
TOKENS = {
    "Bearer alice": user("alice", SCAN_READ),
    "Bearer bob": user("bob", SCAN_READ),
    "Bearer other": user("other", SCAN_READ, customer_id=2),
    "Bearer nothing": user("nothing"),
}


@dataclass
class Counts:
    """How often the schema was asked."""

    events: int = 0
    loads: int = 0
    writes: int = 0


@dataclass
class ToyContext:
    actor: Actor
    toy: "Toy"
    correlation_id: str = "correlation-1"
    expires_at_us: int | None = None
    loaders: dict[str, Any] = field(default_factory=dict)

    @property
    def streams(self) -> Streams:
        return self.toy.streams

    def fresh(self, actor: Actor) -> "ToyContext":
        return replace(self, actor=actor, loaders={})

    def names(self) -> DataLoader[str, str]:
        async def load(keys: list[str]) -> list[str]:
            self.toy.counts.loads += 1
            return [f"name of {key}" for key in keys]

        found: DataLoader[str, str] = self.loaders.setdefault("names", DataLoader(load_fn=load))
        return found


Info = strawberry.Info[ToyContext, None]


@strawberry.type
class ScanEvent:
    cursor: str
    code: str
    line: int

    @strawberry.field
    async def name(self, info: Info) -> str:
        return await info.context.names().load(self.code)

    @strawberry.field
    def seen_by(self, info: Info) -> str:
        return info.context.actor.name


@strawberry.type
class Item:
    code: str
    items: list["Item"] = strawberry.field(default_factory=list)


@strawberry.type
class Edge:
    node: Item


@strawberry.type
class Connection:
    edges: list[Edge]


@strawberry.type
class Query:
    @strawberry.field
    def me(self, info: Info) -> str:
        info.context.actor.require_known()
        return info.context.actor.name

    @strawberry.field
    def echo(self, text: str) -> str:
        return text

    @strawberry.field
    def number(self, value: int) -> int:
        return value

    @strawberry.field
    def items(self, first: int = 10) -> list[Item]:
        return [Item(code=str(index)) for index in range(first)]

    @strawberry.field
    def pages(self, first: int | None = None) -> Connection:
        return Connection(edges=[Edge(node=Item(code="1"))])

    @strawberry.field
    def boom(self) -> str | None:
        raise RuntimeError("a secret of the server")

    @strawberry.field
    def missing(self) -> str | None:
        raise NotFound("Bottle", "17")

    @strawberry.field
    def lies(self) -> int | None:
        return "not a number"  # type: ignore[return-value]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def record(self, info: Info, code: str, line: int = 1) -> str:
        info.context.actor.require(SCAN_READ)
        info.context.toy.counts.writes += 1
        await info.context.toy.write(code, line=line)
        return code


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def scans(
        self, info: Info, after: str | None = None, line_id: int | None = None
    ) -> AsyncGenerator[ScanEvent, None]:
        arguments = {"after": after}
        async for event in open_stream(
            info.context,
            "scans",
            arguments if line_id is None else arguments | {"line_id": line_id},
        ):
            yield event

    @strawberry.subscription
    async def ticks(self, info: Info, count: int) -> AsyncGenerator[int, None]:
        for number in range(count):
            yield number
        if count == 13:
            raise RuntimeError("a secret of the server")

    @strawberry.subscription
    async def silence(self) -> AsyncGenerator[int, None]:
        await asyncio.Event().wait()
        yield 0


def _authorise(context: ToyContext) -> None:
    context.actor.require(SCAN_READ)


def _event(row: LogRow, arguments: Any, context: ToyContext) -> ScanEvent | None:
    if row.stream != "scan" or row.customer_id != context.actor.customer_id:
        return None
    if arguments.get("line_id") not in (None, row.data["line"]):
        return None
    context.toy.counts.events += 1
    return ScanEvent(
        cursor=context.toy.tail.cursor(row.seq), code=row.data["code"], line=row.data["line"]
    )


SCHEMA = strawberry.Schema(Query, Mutation, Subscription)


class _Wake:
    def __init__(self, tail: LogTail) -> None:
        self._tail = tail

    def announce(self) -> None:
        self._tail.wake()


class Toy:
    """The log, the streams and the engine of one test."""

    def __init__(self, database: Database, queue_limit: int = 1_000) -> None:
        self.database = database
        self.tail = LogTail(database)
        self.fanout = Fanout(self.tail)
        self.streams = Streams(
            self.fanout, [StreamSource("scans", _authorise, _event)], queue_limit=queue_limit
        )
        self.transactions = Transactions(database, SystemClock(), _Wake(self.tail))
        self.counts = Counts()
        self.engine = Engine(SCHEMA, DocumentStore(SCHEMA._schema), self.streams)
        self.expires_at_us: int | None = None

    def use(self, store: DocumentStore) -> None:
        self.engine = Engine(SCHEMA, store, self.streams)

    async def write(self, *codes: str, line: int = 1, customer_id: int = 1) -> None:
        """All in one transaction."""
        async with self.transactions.begin(replace(WRITER, customer_id=customer_id)) as work:
            for code in codes:
                work.record("scan", "read", code, code=code, line=line)

    def context(self, actor: Actor = TOKENS["Bearer alice"]) -> ToyContext:
        return ToyContext(actor, self, expires_at_us=self.expires_at_us)

    async def authenticate(
        self, authorization: str | None, connection: HTTPConnection
    ) -> ToyContext:
        if authorization is None:
            return self.context(ANONYMOUS)
        if authorization == "Bearer blocked":
            raise Forbidden("This account is blocked")
        if authorization not in TOKENS:
            raise Unauthorized("Invalid or expired token")
        return self.context(TOKENS[authorization])


async def prepare(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
        await connection.execute(insert(table_of(LogState)).values(log_id=new_id()))


@asynccontextmanager
async def toy_on(path: Path, queue_limit: int = 1_000) -> AsyncIterator[Toy]:
    database = Database(f"sqlite:///{path}")
    await prepare(database)
    toy = Toy(database, queue_limit)
    await toy.tail.start()
    try:
        yield toy
    finally:
        await toy.fanout.close()
        await toy.tail.stop()
        await database.close()


@asynccontextmanager
async def served(toy: Toy, settings: TransportSettings | None = None) -> AsyncIterator[str]:
    """The graph on a free port of loopback; the address as host:port."""
    app = Starlette(routes=graphql_routes(toy.engine, toy.authenticate, settings))
    async with on_port(app, ws="websockets-sansio", ws_per_message_deflate=False) as port:
        yield f"127.0.0.1:{port}"

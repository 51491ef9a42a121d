"""A factory's fleet for tests: processes on one database, served on real sockets, and edges."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import event, text
from sqlmodel import SQLModel
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

import domain.fleet.models  # noqa: F401 - imported for the tables it declares
from domain.fleet.commands import DispatchCommand, RegisterDevice
from domain.fleet.models import CommandType
from domain.fleet.ports import FleetServices
from domain.fleet.results import ResultWaiter
from domain.fleet.rows import CommandRow, DeviceRow
from domain.fleet.rules import FleetSettings
from domain.fleet.session_loop import DeviceSessionLoop, SessionEnd, Transport
from domain.fleet.sessions import SessionRegistry
from domain.fleet.sweeper import FleetSweeper
from domain.identity.ports import IdentityServices, TokenKind
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.clock import Clock
from domain.kernel.database import Database
from domain.kernel.errors import Unauthorized
from domain.kernel.fanout import Fanout
from domain.kernel.permissions import DEVICE_PERMISSIONS, ROLE_PERMISSIONS, Role
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from drivers.identity.actors import ActorSource, Tokens, UserSource
from drivers.identity.devices import DeviceSource
from drivers.identity.keys import KeyRing
from drivers.identity.tokens import TokenSettings
from graph.context import Build, Context, Policy, Services
from graph.fleet import resolvers
from graph.fleet.streams import SOURCES
from graph.streams import Streams
from tests.support.asgi import on_port

ABSENT: Any = None
# Frequent, yet patient: a busy machine must not look like a silent device.
QUICK = FleetSettings(heartbeat_s=0.2, missed_heartbeats=100)
HASTY = FleetSettings(heartbeat_s=0.1, missed_heartbeats=3)
TABLES = (
    "device",
    "device_status_change",
    "device_group",
    "device_group_member",
    "device_command",
    "command_bulk",
    "desired_configuration",
    "reported_configuration",
    "device_log",
    "telemetry",
    "telemetry_series",
    "telemetry_rollup",
    "fleet_connection_settings",
    "device_session",
    "journal_event",
    "event_log",
)


async def with_fleet_tables(database: Database) -> Database:
    """Those that no migration has made."""
    async with database.engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    return database


def user(customer_id: int, role: Role = Role.MANAGER) -> Actor:
    name = role.name.lower()
    return Actor(ActorKind.USER, customer_id, "1" * 32, name, ROLE_PERMISSIONS[role], role)


def device_actor(customer_id: int, device: DeviceRow) -> Actor:
    return Actor(ActorKind.DEVICE, customer_id, device.id, device.identifier, DEVICE_PERMISSIONS)


async def everything(database: Database) -> list[Any]:
    """All rows of the fleet, to tell that nothing changed."""
    found: list[Any] = []
    async with database.read() as session:
        for table in TABLES:
            query = text(f"SELECT * FROM {table} ORDER BY 1, 2")  # noqa: S608 - our own names
            found.append([tuple(row) for row in await session.execute(query)])
    return found


class Statements:
    """How many statements an engine was given while this was open."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine.sync_engine
        self.seen: list[str] = []

    def _note(self, _c: Any, _k: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            self.seen.append(statement)

    def __enter__(self) -> "Statements":
        event.listen(self._engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)


@dataclass
class WakesAll:
    """The bus between the processes of one test."""

    tails: list[LogTail] = field(default_factory=list)

    def announce(self) -> None:
        for tail in self.tails:
            tail.wake()


@dataclass(slots=True)
class Factory:
    """One process of a factory."""

    customer_id: int
    services: Services
    fleet: FleetServices
    tokens: Tokens
    port: int = 0
    ends: list[SessionEnd] = field(default_factory=list)
    """How the sessions that were served here ended."""

    @property
    def database(self) -> Database:
        return self.services.database

    @property
    def transactions(self) -> Transactions:
        return self.services.transactions

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/device"

    @property
    def sweeper(self) -> FleetSweeper:
        return FleetSweeper(self.transactions, self.fleet.settings)

    def context(self, role: Role = Role.MANAGER, customer_id: int | None = None) -> Context:
        return Context(user(customer_id or self.customer_id, role), self.services)

    def as_device(self, device: DeviceRow) -> Context:
        return Context(device_actor(self.customer_id, device), self.services)

    async def register(self, identifier: str = "edge-001", **values: Any) -> DeviceRow:
        command = RegisterDevice.of(identifier=identifier, **values)
        return await resolvers.register_device(self.context(), command)

    async def token(self, device: DeviceRow) -> str:
        return (await resolvers.issue_device_token(self.context(), device.id)).token

    async def device(self, device: DeviceRow) -> DeviceRow:
        found = await resolvers.device(self.context(), device.id)
        assert found is not None
        return found

    async def dispatch(
        self, device: DeviceRow, kind: CommandType = CommandType.FORCE_SYNC, **values: Any
    ) -> CommandRow:
        command = DispatchCommand.of(device=device.id, type=kind, **values)
        return await resolvers.dispatch_command(self.context(Role.ADMIN), command)


@asynccontextmanager
async def factory_process(
    database: Database,
    customer_id: int,
    folder: Path,
    clock: Clock,
    wakes: WakesAll,
    settings: FleetSettings = QUICK,
) -> AsyncIterator[Factory]:
    """Everything that one process has of a fleet, without a face."""
    tail = LogTail(database)
    await tail.start()
    wakes.tails.append(tail)
    fanout = Fanout(tail)
    transactions = Transactions(database, clock, wakes)
    sources: dict[TokenKind, ActorSource] = {
        TokenKind.USER: UserSource(database),
        TokenKind.DEVICE: DeviceSource(database),
    }
    tokens = Tokens(KeyRing(folder / "keys"), TokenSettings(), clock, sources)
    fleet = FleetServices(SessionRegistry(), ResultWaiter(), settings)
    stops = [tokens.follow(tail), fleet.sessions.follow(tail), fleet.results.follow(tail)]
    services = Services(
        database=database,
        transactions=transactions,
        clock=clock,
        tail=tail,
        fanout=fanout,
        streams=Streams(fanout, SOURCES),
        policy=Policy(),
        build=Build("test", 0),
        identity=IdentityServices(ABSENT, tokens, ABSENT, ABSENT),
        scans=ABSENT,
        sync=ABSENT,
        line=ABSENT,
        fleet=fleet,
    )
    try:
        yield Factory(customer_id, services, fleet, tokens)
    finally:
        await fleet.sessions.close()
        for stop in stops:
            stop()
        await fanout.close()
        wakes.tails.remove(tail)
        await tail.stop()


@asynccontextmanager
async def served(factory: Factory) -> AsyncIterator[Factory]:
    """`/ws/device` on a free port of loopback, as a face would serve it."""
    app = Starlette(routes=[WebSocketRoute("/ws/device", device_socket(factory))])
    async with on_port(app, ws="websockets-sansio") as factory.port:
        try:
            yield factory
        finally:
            await factory.fleet.sessions.close()


def device_socket(factory: Factory) -> Any:
    async def serve(socket: WebSocket) -> None:
        try:
            scheme, _, token = socket.headers.get("authorization", "").partition(" ")
            found = await factory.tokens.actor(token if scheme == "Bearer" else "")
        except Unauthorized as refused:
            with suppress(RuntimeError, WebSocketDisconnect):
                await socket.accept()
                await socket.close(4401, refused.message)
            return
        await socket.accept()
        loop = DeviceSessionLoop(
            factory.fleet,
            factory.transactions,
            found.actor,
            transport(socket),
            expires_at_us=found.expires_at_us,
        )
        end = await loop.run()
        factory.ends.append(end)
        with suppress(RuntimeError, WebSocketDisconnect):
            await socket.close(*end)

    return serve


def transport(socket: WebSocket) -> Transport:
    async def receive() -> str | None:
        try:
            return await socket.receive_text()
        except (WebSocketDisconnect, RuntimeError):
            return None

    async def send(frame: str) -> None:
        try:
            await socket.send_text(frame)
        except (WebSocketDisconnect, RuntimeError) as error:
            raise OSError("closed") from error

    client = socket.client
    return Transport(receive, send, client.host if client else "")


def kinds(rows: Sequence[Any]) -> list[str]:
    return [row.kind for row in rows]

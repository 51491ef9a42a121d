"""An edge for tests of synchronisation: real database, real stores, real client, real cloud."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields, replace
from typing import Any, cast

from domain.kernel.actor import ANONYMOUS, Actor, ActorKind
from domain.kernel.database import Database
from domain.kernel.permissions import ROLE_PERMISSIONS, Role
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from domain.production.codes import DEFAULT_CATALOGUE
from domain.production.commands import RecordScan
from domain.production.operations.scans import ScanIntake, SiteCodes
from domain.production.repository import bottles
from domain.production.repository.scan_store import ScanOutcome, ScanStore
from domain.production.repository.scan_store_postgres import PostgresScanStore
from domain.production.repository.scan_store_sqlite import SqliteScanStore
from domain.production.rows import BottleRow
from domain.sync.commands import ActivateDevice, SignIn
from domain.sync.passes import SyncRunner
from domain.sync.ports import CloudPort, SecretBox, SyncServices
from graph.context import Context, Policy, Services
from graph.production import resolvers as production
from graph.sync import resolvers
from tests.support.cloud import EMAIL, PASSWORD


def user(customer_id: int, role: Role = Role.OPERATOR) -> Actor:
    name = role.name.lower()
    return Actor(ActorKind.USER, customer_id, "1" * 32, name, ROLE_PERMISSIONS[role], role)


@dataclass(frozen=True, slots=True)
class Edge:
    """One customer's edge, without a face."""

    customer_id: int
    services: Services

    @property
    def runner(self) -> SyncRunner:
        return self.services.sync.runner

    @property
    def database(self) -> Database:
        return self.services.database

    def context(self, role: Role | None = Role.OPERATOR) -> Context:
        actor = ANONYMOUS if role is None else user(self.customer_id, role)
        return Context(actor, self.services)

    def restarted(self) -> "Edge":
        """The same data, with nothing in memory."""
        return self.with_cloud(self.services.sync.cloud)

    def with_cloud(self, cloud: CloudPort | None) -> "Edge":
        """The same data behind another way to the cloud."""
        old = self.services.sync
        runner = SyncRunner(self.services.transactions, cloud, old.secrets)
        sync = SyncServices(cloud, old.secrets, runner)
        return replace(self, services=replace(self.services, sync=sync))

    async def scan(self, count: int) -> list[BottleRow]:
        """As many fresh bottles, each from a scan of its own."""
        codes = self.services.scans.codes
        return [cast(BottleRow, (await self.read(codes.example())).bottle) for _ in range(count)]

    async def read(self, code: str) -> ScanOutcome:
        return await production.record_scan(self.context(), RecordScan(code=code))

    async def provision(self) -> None:
        await resolvers.sign_in(self.context(), SignIn.of(email=EMAIL, password=PASSWORD))
        await resolvers.activate(self.context(), ActivateDevice.of(device_id="device-001"))

    async def rows(self, ids: Sequence[str]) -> dict[str, BottleRow]:
        async with self.database.read() as session:
            return await bottles.by_ids(session, self.customer_id, ids)


@asynccontextmanager
async def open_edge(
    customer_id: int,
    transactions: Transactions,
    tail: LogTail,
    cloud: CloudPort | None,
    secrets: SecretBox,
) -> AsyncIterator[Edge]:
    database, clock = transactions.database, transactions.clock
    store: ScanStore = (
        SqliteScanStore(database) if database.is_sqlite else PostgresScanStore(database)
    )
    codes = SiteCodes(DEFAULT_CATALOGUE, "milk", clock)
    intake = ScanIntake(store, codes, clock, transactions.wakeups)
    runner = SyncRunner(transactions, cloud, secrets)
    given: dict[str, Any] = {
        "database": database,
        "transactions": transactions,
        "clock": clock,
        "tail": tail,
        "policy": Policy(),
        "scans": intake,
        "sync": SyncServices(cloud, secrets, runner),
    }
    # The rest is absent, not played.
    services = Services(**{field.name: None for field in fields(Services)} | given)
    await runner.begin(customer_id)
    try:
        yield Edge(customer_id, services)
    finally:
        await runner.close()
        await intake.close()

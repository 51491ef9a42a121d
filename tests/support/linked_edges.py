"""An edge that delivers through a bad link to a factory, both with databases of their own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from domain.sync.models import ConnectionMode
from domain.sync.passes import SyncRunner
from domain.sync.ports import SecretBox, SyncServices, SyncTarget
from domain.sync.worker import SyncSchedule, SyncWorker
from drivers.secrets.fernet import FernetBox
from graph.sync import resolvers
from tests.support.databases import SqliteFiles, TailWakeUps, new_customer
from tests.support.edges import Edge, open_edge
from tests.support.waiting import good_answer

QUICK = SyncSchedule(interval_s=0.02, jitter=0.5, cap_s=0.1)


@dataclass(frozen=True, slots=True)
class LinkedEdge:
    """In mode VIA_LOCAL_SERVER, its background delivery running."""

    edge: Edge
    customer_id: int

    async def waiting(self) -> int:
        return (await resolvers.sync_status(self.edge.context())).queue_size

    async def drained(self, deadline_s: float) -> None:
        await good_answer(self.waiting, lambda waiting: not waiting, deadline_s)


@asynccontextmanager
async def linked_edge(
    files: SqliteFiles, folder: Path, target: SyncTarget
) -> AsyncIterator[LinkedEdge]:
    async with files.fresh(folder / "edge.db") as database, _tail(database) as tail:
        customer_id = await new_customer(database, "Edge")
        transactions = Transactions(database, SystemClock(), TailWakeUps(tail))
        secrets = FernetBox.in_folder(folder / "edge-keys")
        async with open_edge(customer_id, transactions, tail, None, secrets) as opened:
            edge = _linked(opened, transactions, secrets, target)
            await resolvers.set_connection_mode(edge.context(), ConnectionMode.VIA_LOCAL_SERVER)
            async with _working(SyncWorker(edge.runner, transactions, customer_id, QUICK)):
                yield LinkedEdge(edge, customer_id)
            await edge.runner.close()


def _linked(edge: Edge, transactions: Transactions, secrets: SecretBox, target: SyncTarget) -> Edge:
    runner = SyncRunner(transactions, None, secrets, factory=target)
    sync = SyncServices(None, secrets, runner)
    return replace(edge, services=replace(edge.services, sync=sync))


@asynccontextmanager
async def _tail(database: Database) -> AsyncIterator[LogTail]:
    tail = LogTail(database)
    await tail.start()
    try:
        yield tail
    finally:
        await tail.stop()


@asynccontextmanager
async def _working(worker: SyncWorker) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

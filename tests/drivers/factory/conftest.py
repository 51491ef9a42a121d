"""A factory on a real socket and an edge's own disk, on both databases."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.fleet.rows import DeviceRow
from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from drivers.factory.ledger import ExecutionLedger
from tests.support.databases import SqliteFiles, new_customer
from tests.support.edge_link import ledger
from tests.support.fleet import Factory, WakesAll, factory_process, served, with_fleet_tables


@dataclass(frozen=True, slots=True)
class Site:
    """Two processes of one factory, and a registered edge with its token and its disk."""

    one: Factory
    two: Factory
    device: DeviceRow
    token: str
    book: ExecutionLedger
    disk: Database


@pytest.fixture
async def site(
    database: Database, customer_id: int, sqlite_files: SqliteFiles, tmp_path: Path
) -> AsyncIterator[Site]:
    await with_fleet_tables(database)
    wakes, clock = WakesAll(), SystemClock()
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        disk = await enter(sqlite_files.fresh(tmp_path / "edge.db"))
        await with_fleet_tables(disk)
        book = ledger(disk, await new_customer(disk, "Edge"))
        processes = [
            await enter(factory_process(database, customer_id, tmp_path, clock, wakes))
            for _ in range(2)
        ]
        one, two = [await enter(served(process)) for process in processes]
        device = await one.register("edge-001")
        yield Site(one, two, device, await one.token(device), book, disk)

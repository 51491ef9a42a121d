"""A factory on each database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.kernel.database import Database
from tests.support.clocks import ManualClock
from tests.support.databases import new_customer
from tests.support.fleet import Factory, WakesAll, factory_process, with_fleet_tables


@pytest.fixture
async def factory(
    database: Database, customer_id: int, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Factory]:
    """One process by a clock that the test moves."""
    await with_fleet_tables(database)
    async with factory_process(database, customer_id, tmp_path, clock, WakesAll()) as process:
        yield process


@pytest.fixture
async def other_customer(factory: Factory) -> int:
    return await new_customer(factory.database, "Dairy Two")

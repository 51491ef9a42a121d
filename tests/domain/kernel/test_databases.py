"""What every other test stands on: fresh, separate, real databases on both engines."""

import pytest
from sqlalchemy import func, select

from domain.identity.models import Customer
from domain.kernel import eventlog
from domain.kernel.columns import table_of
from domain.kernel.database import Database
from tests.support.databases import SqliteFiles, new_customer


async def test_a_fresh_database_has_tables_and_an_empty_log(database: Database) -> None:
    async with database.read() as session:
        customers = await session.scalar(select(func.count()).select_from(table_of(Customer)))
        assert customers == 0
        assert await eventlog.head(session) == 0
        assert await eventlog.log_id(session)


async def test_what_one_test_writes_stays_in_its_database(database: Database) -> None:
    assert await new_customer(database, "Only here") == 1


async def test_two_databases_have_two_logs(
    sqlite_database: Database, sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("other") / "other.db"
    async with (
        sqlite_files.fresh(path) as other,
        sqlite_database.read() as one,
        other.read() as two,
    ):
        assert await eventlog.log_id(one) != await eventlog.log_id(two)

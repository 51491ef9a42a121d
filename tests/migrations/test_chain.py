"""One chain of migrations makes the same tables on both databases, and takes them away again."""

import asyncio
from collections.abc import Callable

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect
from sqlmodel import SQLModel

import migrations.tables  # noqa: F401 - fills the metadata
from domain.kernel import eventlog
from domain.kernel.database import WRITE, Database
from migrations import configuration, upgrade


async def _run(database: Database, work: Callable[[Connection], object]) -> object:
    async with database.engine.connect() as connection:
        connection = await connection.execution_options(**{WRITE: True})
        async with connection.begin():
            return await connection.run_sync(work)


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, SQLModel.metadata))


async def test_it_makes_what_the_models_say(empty: Database) -> None:
    await upgrade(empty)
    assert await _run(empty, _differences) == []


async def test_again_changes_nothing_and_keeps_the_log(empty: Database) -> None:
    await upgrade(empty)
    async with empty.read() as session:
        before = await eventlog.log_id(session)
    await upgrade(empty)
    async with empty.read() as session:
        assert await eventlog.log_id(session) == before


async def test_it_takes_everything_away_again(empty: Database) -> None:
    await upgrade(empty)
    await _run(empty, lambda connection: command.downgrade(configuration(connection), "base"))
    left = await _run(empty, lambda connection: inspect(connection).get_table_names())
    assert left == ["alembic_version"]
    await upgrade(empty)
    assert await _run(empty, _differences) == []


async def test_two_that_start_at_once_take_turns(empty: Database) -> None:
    other = Database(empty.url.render_as_string(hide_password=False))
    try:
        await asyncio.gather(upgrade(empty), upgrade(other))
        assert await _run(other, _differences) == []
    finally:
        await other.close()

"""All that a database holds: equal before and after means that nothing was changed."""

from typing import Any

from sqlalchemy import select
from sqlmodel import SQLModel

from domain.kernel.database import Database

Contents = dict[str, list[str]]


async def contents(database: Database) -> Contents:
    """Every row of every table, by the table's name."""
    found: Contents = {}
    async with database.read() as session:
        for table in SQLModel.metadata.sorted_tables:
            rows: Any = await session.execute(select(table))
            found[table.name] = sorted(map(repr, rows))
    return found

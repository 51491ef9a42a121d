"""Statements on the connection."""

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.sync.models import Connection
from domain.sync.rows import ConnectionRow

CONNECTION = table_of(Connection)
_COLUMNS = tuple(CONNECTION.c[name] for name in ConnectionRow._fields)


async def ensure(session: WriteSession, customer_id: int) -> None:
    """The customer's row is there afterwards, whoever made it."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    model = Connection(customer_id=customer_id).model_dump()
    await session.execute(
        dialect.insert(CONNECTION)
        .values(model)
        .on_conflict_do_nothing(index_elements=["customer_id"])
    )


async def connection(session: ReadSession, customer_id: int) -> ConnectionRow:
    query = select(*_COLUMNS).where(CONNECTION.c.customer_id == customer_id)
    found = (await session.execute(query)).one_or_none()
    return ConnectionRow() if found is None else ConnectionRow(*found)


async def lock(session: WriteSession, customer_id: int) -> ConnectionRow:
    """Held to the end of the transaction: who holds it may move the queue's reader."""
    await ensure(session, customer_id)
    query = select(*_COLUMNS).where(CONNECTION.c.customer_id == customer_id)
    return ConnectionRow(*(await session.execute(query.with_for_update())).one())


async def change(session: WriteSession, customer_id: int, **values: Any) -> None:
    statement = update(CONNECTION).where(CONNECTION.c.customer_id == customer_id)
    await session.execute(statement.values(**values))

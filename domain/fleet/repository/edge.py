"""Statements of an edge on its own state."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from domain.fleet.models import EdgeState
from domain.fleet.rows import EdgeStateRow
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession

STATE = table_of(EdgeState)
_COLUMNS = tuple(STATE.c[name] for name in EdgeStateRow._fields)


async def state(session: ReadSession, customer_id: int) -> EdgeStateRow:
    """As it was made where nothing was stored yet."""
    query = select(*_COLUMNS).where(STATE.c.customer_id == customer_id)
    found = (await session.execute(query)).one_or_none()
    return EdgeStateRow() if found is None else EdgeStateRow(*found)


async def change(session: WriteSession, customer_id: int, **values: Any) -> None:
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    fresh = {"customer_id": customer_id, **EdgeStateRow()._asdict(), **values}
    statement = dialect.insert(STATE).values(fresh)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["customer_id"], set_=values)
    )

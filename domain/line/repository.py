"""Statements on the line's configuration."""

from typing import Any, cast

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.line.models import LineOverride
from domain.line.rows import OverrideRow

OVERRIDE = table_of(LineOverride)
_COLUMNS = tuple(OVERRIDE.c[name] for name in OverrideRow._fields)


async def overrides(session: ReadSession, customer_id: int) -> dict[str, OverrideRow]:
    """By key, in its order."""
    query = select(*_COLUMNS).where(OVERRIDE.c.customer_id == customer_id)
    rows = await session.execute(query.order_by(OVERRIDE.c.key))
    return {row[0]: OverrideRow(*row) for row in rows}


async def put(session: WriteSession, customer_id: int, row: OverrideRow) -> None:
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    values = {"customer_id": customer_id, **row._asdict()}
    await session.execute(
        dialect.insert(OVERRIDE)
        .values(values)
        .on_conflict_do_update(index_elements=["customer_id", "key"], set_=row._asdict())
    )


async def drop(session: WriteSession, customer_id: int, key: str) -> bool:
    """False where there is none."""
    ours = (OVERRIDE.c.customer_id == customer_id, OVERRIDE.c.key == key)
    done = await session.execute(delete(OVERRIDE).where(*ours))
    return cast(CursorResult[Any], done).rowcount == 1

"""Statements of an edge on what it was told to do."""

from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.fleet.models import ExecutedCommand, ExecutionState
from domain.fleet.rows import ExecutionRow
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession

EXECUTED = table_of(ExecutedCommand)
_COLUMNS = tuple(EXECUTED.c[name] for name in ExecutionRow._fields)


async def execution(session: ReadSession, customer_id: int, command_id: str) -> ExecutionRow | None:
    query = select(*_COLUMNS).where(
        EXECUTED.c.customer_id == customer_id, EXECUTED.c.id == command_id
    )
    found = (await session.execute(query)).one_or_none()
    return None if found is None else ExecutionRow(*found)


async def insert_new(session: WriteSession, customer_id: int, row: ExecutionRow) -> bool:
    """False where it is there already."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    values = {"customer_id": customer_id, **row._asdict()}
    done = await session.execute(dialect.insert(EXECUTED).values(values).on_conflict_do_nothing())
    return cast(CursorResult[Any], done).rowcount == 1


async def change(session: WriteSession, customer_id: int, command_id: str, **values: Any) -> None:
    statement = update(EXECUTED).where(
        EXECUTED.c.customer_id == customer_id, EXECUTED.c.id == command_id
    )
    await session.execute(statement.values(**values))


async def unreported(session: ReadSession, customer_id: int) -> list[ExecutionRow]:
    """Ended ones that the factory has not confirmed, oldest first."""
    query = (
        select(*_COLUMNS)
        .where(
            EXECUTED.c.customer_id == customer_id,
            EXECUTED.c.state == ExecutionState.DONE,
            EXECUTED.c.reported_at_us.is_(None),
        )
        .order_by(EXECUTED.c.id)
    )
    return [ExecutionRow(*row) for row in await session.execute(query)]


async def forget_old(session: WriteSession, customer_id: int, keep: int) -> None:
    """Keeps the newest `keep` and whatever is not over."""
    newest = (
        select(EXECUTED.c.id)
        .where(EXECUTED.c.customer_id == customer_id)
        .order_by(EXECUTED.c.received_at_us.desc(), EXECUTED.c.id.desc())
        .limit(keep)
    )
    await session.execute(
        delete(EXECUTED).where(
            EXECUTED.c.customer_id == customer_id,
            EXECUTED.c.reported_at_us.is_not(None),
            EXECUTED.c.id.not_in(newest),
        )
    )

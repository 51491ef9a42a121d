"""Statements on who holds a device's socket."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.fleet.models import DeviceSession
from domain.fleet.rows import SessionRow
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession

SESSION = table_of(DeviceSession)
_COLUMNS = tuple(SESSION.c[name] for name in SessionRow._fields)


async def put(session: WriteSession, customer_id: int, row: SessionRow) -> None:
    """The newest session of a device takes the older one's place."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    values = {"customer_id": customer_id, **row._asdict()}
    await session.execute(
        dialect.insert(SESSION)
        .values(values)
        .on_conflict_do_update(index_elements=["device_id"], set_=row._asdict())
    )


async def touch(session: WriteSession, device_id: str, session_id: str, now_us: int) -> bool:
    """False where this is no longer the device's session."""
    ours = (SESSION.c.device_id == device_id, SESSION.c.session_id == session_id)
    done = await session.execute(update(SESSION).where(*ours).values(last_seen_at_us=now_us))
    return cast(CursorResult[Any], done).rowcount == 1


async def drop(session: WriteSession, device_id: str, session_id: str | None = None) -> bool:
    """False where there is no such session (any more)."""
    statement = delete(SESSION).where(SESSION.c.device_id == device_id)
    if session_id is not None:
        statement = statement.where(SESSION.c.session_id == session_id)
    return cast(CursorResult[Any], await session.execute(statement)).rowcount == 1


async def online(
    session: ReadSession, customer_id: int, device_ids: Sequence[str], seen_since_us: int
) -> set[str]:
    """Those of them that somebody holds a live socket of."""
    query = select(SESSION.c.device_id).where(
        SESSION.c.customer_id == customer_id,
        SESSION.c.device_id.in_(device_ids),
        SESSION.c.last_seen_at_us >= seen_since_us,
    )
    return set(await session.scalars(query))


async def listed(session: ReadSession, customer_id: int, seen_since_us: int) -> list[SessionRow]:
    query = (
        select(*_COLUMNS)
        .where(SESSION.c.customer_id == customer_id, SESSION.c.last_seen_at_us >= seen_since_us)
        .order_by(SESSION.c.since_us, SESSION.c.device_id)
    )
    return [SessionRow(*row) for row in await session.execute(query)]


async def stale(
    session: ReadSession, seen_before_us: int, limit: int
) -> list[tuple[int, str, str]]:
    """(customer, device, session) of any customer that nobody has heard of since."""
    query = (
        select(SESSION.c.customer_id, SESSION.c.device_id, SESSION.c.session_id)
        .where(SESSION.c.last_seen_at_us < seen_before_us)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in await session.execute(query)]

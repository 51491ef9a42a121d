"""Every SQL statement on alarms, scoped to one customer but for what time brings about."""

from typing import Any, Final, cast

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.filters import matching
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.line.alarms.commands import AlarmFilter
from domain.line.alarms.models import Alarm, AlarmKind, AlarmState
from domain.line.alarms.rows import AlarmRow

ALARM = table_of(Alarm)
_COLUMNS: Final = tuple(ALARM.c[name] for name in AlarmRow._fields)


async def page(
    session: ReadSession, customer_id: int, wanted: AlarmFilter, window: PageRequest
) -> Page[AlarmRow]:
    """The one that was first raised last comes first."""
    query = select(*_COLUMNS).where(matching(ALARM, customer_id, wanted))
    return await fetch_page(session, query, ALARM.c.id, window, AlarmRow)


async def count(session: ReadSession, customer_id: int, wanted: AlarmFilter) -> int:
    query = select(func.count()).select_from(ALARM).where(matching(ALARM, customer_id, wanted))
    return await session.scalar(query) or 0


async def alarm(session: ReadSession, customer_id: int, alarm_id: str) -> AlarmRow | None:
    query = select(*_COLUMNS).where(ALARM.c.customer_id == customer_id, ALARM.c.id == alarm_id)
    found = (await session.execute(query)).one_or_none()
    return None if found is None else AlarmRow(*found)


async def of_condition(
    session: ReadSession, customer_id: int, kind: AlarmKind, source: str, *, lock: bool = False
) -> AlarmRow | None:
    """By what names it. Locked until the end of the transaction where that is asked for."""
    query = select(*_COLUMNS).where(
        ALARM.c.customer_id == customer_id, ALARM.c.kind == kind, ALARM.c.source == source
    )
    found = (await session.execute(query.with_for_update() if lock else query)).one_or_none()
    return None if found is None else AlarmRow(*found)


async def matching_rows(
    session: WriteSession, customer_id: int, wanted: AlarmFilter
) -> list[AlarmRow]:
    """All of them, locked in the order of their ids, so that two who do this never deadlock."""
    query = select(*_COLUMNS).where(matching(ALARM, customer_id, wanted)).order_by(ALARM.c.id)
    return [AlarmRow(*row) for row in await session.execute(query.with_for_update())]


async def active_conditions(session: ReadSession, customer_id: int) -> set[tuple[AlarmKind, str]]:
    """(kind, source) of what is wrong right now, whoever silenced it."""
    query = select(ALARM.c.kind, ALARM.c.source).where(
        ALARM.c.customer_id == customer_id, ALARM.c.active
    )
    return {(AlarmKind(row[0]), row[1]) for row in await session.execute(query)}


async def states(session: ReadSession, customer_id: int) -> set[AlarmState]:
    """Those that any alarm is in."""
    query = select(ALARM.c.state).where(ALARM.c.customer_id == customer_id).distinct()
    return {AlarmState(row[0]) for row in await session.execute(query)}


async def insert_new(session: WriteSession, customer_id: int, row: AlarmRow) -> bool:
    """False where somebody else was first."""
    make = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    done = await session.execute(
        make(ALARM)
        .values(customer_id=customer_id, **row._asdict())
        .on_conflict_do_nothing(index_elements=["customer_id", "kind", "source"])
    )
    return cast(CursorResult[Any], done).rowcount == 1


async def replace(session: WriteSession, customer_id: int, row: AlarmRow, expected: int) -> bool:
    """False where the row is no longer of that version."""
    done = await session.execute(
        update(ALARM)
        .where(
            ALARM.c.customer_id == customer_id,
            ALARM.c.id == row.id,
            ALARM.c.version == expected,
        )
        .values(**row._asdict())
    )
    return cast(CursorResult[Any], done).rowcount == 1


async def shelved_until(session: ReadSession, now_us: int, limit: int) -> list[tuple[int, str]]:
    """(customer, alarm) of any customer whose time on the shelf is over."""
    query = (
        select(ALARM.c.customer_id, ALARM.c.id)
        .where(ALARM.c.state == AlarmState.SHELVED, ALARM.c.shelved_until_us <= now_us)
        .order_by(ALARM.c.shelved_until_us)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]

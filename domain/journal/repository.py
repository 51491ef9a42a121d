"""Every SQL statement of the journal, scoped to one customer."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, insert, select, update

from domain.journal.commands import EventFilter
from domain.journal.models import JournalEvent
from domain.journal.rows import EventRow
from domain.kernel.columns import table_of
from domain.kernel.database import OpensReads, ReadSession, WriteSession
from domain.kernel.paging import MAX_PAGE, Page, PageRequest, fetch_page
from domain.kernel.retention import Trimmed, remove_oldest

_EVENT = table_of(JournalEvent)
_COLUMNS: Final = tuple(_EVENT.c[name] for name in EventRow._fields)


async def insert_event(session: WriteSession, customer_id: int, event: EventRow) -> None:
    await session.execute(insert(_EVENT).values(customer_id=customer_id, **event._asdict()))


async def event(session: ReadSession, customer_id: int, event_id: str) -> EventRow | None:
    query = select(*_COLUMNS).where(_EVENT.c.customer_id == customer_id, _EVENT.c.id == event_id)
    found = (await session.execute(query)).one_or_none()
    return None if found is None else EventRow(*found)


async def events_page(
    session: ReadSession, customer_id: int, wanted: EventFilter, page: PageRequest
) -> Page[EventRow]:
    query = _matching(customer_id, wanted, *_COLUMNS)
    return await fetch_page(session, query, _EVENT.c.id, page, EventRow)


async def count_events(session: ReadSession, customer_id: int, wanted: EventFilter) -> int:
    query = _matching(customer_id, wanted, func.count())
    return (await session.execute(query)).scalar_one()  # type: ignore[no-any-return]


async def newest_id(session: ReadSession, customer_id: int) -> str | None:
    """Where a long walk over the journal ends, however much is recorded meanwhile."""
    query = select(_EVENT.c.id).where(_EVENT.c.customer_id == customer_id)
    found: str | None = await session.scalar(query.order_by(_EVENT.c.id.desc()).limit(1))
    return found


async def all_events(
    reads: OpensReads, customer_id: int, wanted: EventFilter
) -> AsyncIterator[Sequence[EventRow]]:
    """Every matching row, newest first, in pages, each read by a session of its own: memory and
    locks stay flat however slow the receiver is."""
    page = PageRequest(limit=MAX_PAGE)
    while True:
        async with reads.read() as session:
            found = await events_page(session, customer_id, wanted, page)
        if found.rows:
            yield found.rows
        if not found.has_next:
            return
        page = replace(page, after=found.rows[-1].id)


async def open_ids(
    session: WriteSession, customer_id: int, wanted: EventFilter, up_to_id: str, limit: int
) -> list[str]:
    """The oldest unacknowledged, locked in order, so that two who do this never deadlock."""
    query = _matching(customer_id, wanted, _EVENT.c.id).where(
        _EVENT.c.acknowledged_at_us.is_(None), _EVENT.c.id <= up_to_id
    )
    return list(await session.scalars(query.order_by(_EVENT.c.id).limit(limit).with_for_update()))


async def acknowledge(
    session: WriteSession, customer_id: int, ids: Sequence[str], now_us: int, by: str
) -> list[EventRow]:
    """Only those that nobody had acknowledged; they as they became."""
    statement = (
        update(_EVENT)
        .where(
            _EVENT.c.customer_id == customer_id,
            _EVENT.c.id.in_(ids),
            _EVENT.c.acknowledged_at_us.is_(None),
        )
        .values(acknowledged_at_us=now_us, acknowledged_by=by)
        .returning(*_COLUMNS)
    )
    return [EventRow(*row) for row in await session.execute(statement)]


def _matching(customer_id: int, wanted: EventFilter, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(_EVENT)
        .where(_EVENT.c.customer_id == customer_id, *_conditions(wanted))
    )


def _conditions(wanted: EventFilter) -> list[ColumnElement[bool]]:
    same = {"severity": wanted.severity, "category": wanted.category, "source": wanted.source}
    found = [_EVENT.c[name] == value for name, value in same.items() if value is not None]
    if wanted.from_us is not None:
        found.append(_EVENT.c.occurred_at_us >= wanted.from_us)
    if wanted.to_us is not None:
        found.append(_EVENT.c.occurred_at_us < wanted.to_us)
    if wanted.acknowledged is not None:
        is_open = _EVENT.c.acknowledged_at_us.is_(None)
        found.append(~is_open if wanted.acknowledged else is_open)
    return found


async def trim(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """Acknowledged or not: what nobody looked at in all that time, nobody will."""
    return await remove_oldest(session, _EVENT, before_us, limit)

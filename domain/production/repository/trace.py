"""Statements on history: what was in what, and what happened to it."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, or_, select, update

from domain.kernel import bulk
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.ids import new_id
from domain.production.models import Containment, TraceEvent
from domain.production.rows import ContainmentRow, TraceRow

CONTAINMENT = table_of(Containment)
TRACE = table_of(TraceEvent)
_CONTAINMENT = tuple(CONTAINMENT.c[name] for name in ContainmentRow._fields)
_TRACE = tuple(TRACE.c[name] for name in TraceRow._fields)
_PUT_IN: Final = bulk.insert(
    "containment",
    {
        "id": "uuid",
        "customer_id": "integer",
        "child_id": "uuid",
        "child_kind": "text",
        "parent_id": "uuid",
        "parent_kind": "text",
        "from_us": "bigint",
        "until_us": "bigint",
    },
)
_WRITE_HISTORY: Final = bulk.insert(
    "trace_event",
    {
        "customer_id": "integer",
        "id": "uuid",
        "subject_id": "uuid",
        "subject_kind": "text",
        "kind": "text",
        "status": "text",
        "other_id": "uuid",
        "actor": "text",
        "at_us": "bigint",
    },
)


def _holds_at(as_of_us: int | None) -> ColumnElement[bool]:
    if as_of_us is None:
        return CONTAINMENT.c.until_us.is_(None)
    still = or_(CONTAINMENT.c.until_us.is_(None), CONTAINMENT.c.until_us > as_of_us)
    return (CONTAINMENT.c.from_us <= as_of_us) & still


async def parents(
    session: ReadSession, customer_id: int, ids: Sequence[str], as_of_us: int | None
) -> list[ContainmentRow]:
    """What held these items, now or at a past moment."""
    query = select(*_CONTAINMENT).where(
        CONTAINMENT.c.customer_id == customer_id,
        CONTAINMENT.c.child_id.in_(ids),
        _holds_at(as_of_us),
    )
    return [ContainmentRow(*row) for row in await session.execute(query)]


async def children(
    session: ReadSession, customer_id: int, ids: Sequence[str], as_of_us: int | None
) -> list[ContainmentRow]:
    """What these items held, now or at a past moment, oldest first."""
    query = (
        select(*_CONTAINMENT)
        .where(
            CONTAINMENT.c.customer_id == customer_id,
            CONTAINMENT.c.parent_id.in_(ids),
            _holds_at(as_of_us),
        )
        .order_by(CONTAINMENT.c.from_us, CONTAINMENT.c.child_id)
    )
    return [ContainmentRow(*row) for row in await session.execute(query)]


async def put_in(session: WriteSession, customer_id: int, rows: Sequence[ContainmentRow]) -> None:
    await _PUT_IN.run(session, [(new_id(), customer_id, *row) for row in rows])


async def take_out(
    session: WriteSession, customer_id: int, parent_id: str, child_ids: Sequence[str], now_us: int
) -> None:
    await session.execute(
        update(CONTAINMENT)
        .where(
            CONTAINMENT.c.customer_id == customer_id,
            CONTAINMENT.c.parent_id == parent_id,
            CONTAINMENT.c.child_id.in_(child_ids),
            CONTAINMENT.c.until_us.is_(None),
        )
        .values(until_us=now_us)
    )


async def write_history(session: WriteSession, customer_id: int, rows: Sequence[TraceRow]) -> None:
    await _WRITE_HISTORY.run(session, [(customer_id, *row) for row in rows])


async def history(
    session: ReadSession, customer_id: int, ids: Sequence[str], as_of_us: int | None
) -> list[TraceRow]:
    query = select(*_TRACE).where(TRACE.c.customer_id == customer_id, TRACE.c.subject_id.in_(ids))
    if as_of_us is not None:
        query = query.where(TRACE.c.at_us <= as_of_us)
    return [TraceRow(*row) for row in await session.execute(query.order_by(TRACE.c.id))]


async def event(session: ReadSession, customer_id: int, event_id: str) -> TraceRow | None:
    query = select(*_TRACE).where(TRACE.c.customer_id == customer_id, TRACE.c.id == event_id)
    row = (await session.execute(query)).first()
    return TraceRow(*row) if row else None

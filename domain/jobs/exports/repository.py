"""Every SQL statement on export tasks."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import ColumnElement, CursorResult, func, insert, select, update

from domain.jobs.exports.models import ExportStatus, ExportTask
from domain.jobs.exports.rows import ExportTaskRow
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.kernel.retention import Trimmed, remove_oldest

_TASK: Final = table_of(ExportTask)
_COLUMNS: Final = tuple(_TASK.c[name] for name in ExportTaskRow._fields)
_PENDING: Final = _TASK.c.status == ExportStatus.PENDING


class Finished(NamedTuple):
    """How a task ended."""

    status: ExportStatus
    error: str | None = None
    rows: int = 0
    size_bytes: int = 0
    object_key: str | None = None


async def insert_task(session: WriteSession, row: ExportTaskRow) -> None:
    await session.execute(insert(_TASK).values(**row._asdict(), lease_until_us=0))


async def task_of(session: ReadSession, customer_id: int, task_id: str) -> ExportTaskRow | None:
    """Anything may be asked for; what is no id names nothing."""
    if not is_id(task_id):
        return None
    query = select(*_COLUMNS).where(_TASK.c.customer_id == customer_id, _TASK.c.id == task_id)
    found = (await session.execute(query)).one_or_none()
    return None if found is None else ExportTaskRow(*found)


async def page(session: ReadSession, customer_id: int, window: PageRequest) -> Page[ExportTaskRow]:
    query = select(*_COLUMNS).where(_TASK.c.customer_id == customer_id)
    return await fetch_page(session, query, _TASK.c.id, window, ExportTaskRow)


async def count(session: ReadSession, customer_id: int, *, pending: bool = False) -> int:
    query = select(func.count()).select_from(_TASK).where(_TASK.c.customer_id == customer_id)
    found = await session.scalar(query.where(_PENDING) if pending else query)
    return found or 0


async def free(session: ReadSession, now_us: int) -> list[ExportTaskRow]:
    """Of those that nobody works on, the oldest of each customer."""
    place = func.row_number().over(partition_by=_TASK.c.customer_id, order_by=_TASK.c.id)
    waiting = (
        select(*_COLUMNS, place.label("place"))
        .where(_PENDING, _TASK.c.lease_until_us <= now_us)
        .subquery()
    )
    first = select(*(waiting.c[name] for name in ExportTaskRow._fields)).where(waiting.c.place == 1)
    found = await session.execute(first.order_by(waiting.c.id))
    return [ExportTaskRow(*row) for row in found]


async def running(session: ReadSession, now_us: int) -> dict[int, int]:
    """On how many somebody works, by customer."""
    held = (_PENDING, _TASK.c.lease_until_us > now_us, _TASK.c.holder.is_not(None))
    query = select(_TASK.c.customer_id, func.count()).where(*held).group_by(_TASK.c.customer_id)
    return {row[0]: row[1] for row in await session.execute(query)}


async def take(
    session: WriteSession, task_id: str, holder: str, now_us: int, until_us: int
) -> bool:
    """False where somebody else was first."""
    free_one = (_TASK.c.id == task_id, _PENDING, _TASK.c.lease_until_us <= now_us)
    values = {"holder": holder, "lease_until_us": until_us, "attempts": _TASK.c.attempts + 1}
    return await _changed(session, free_one, values)


async def prolong(session: WriteSession, task_id: str, holder: str, until_us: int) -> bool:
    """False where somebody else has taken it over."""
    return await _changed(session, _held(task_id, holder), {"lease_until_us": until_us})


async def release(
    session: WriteSession,
    task_id: str,
    holder: str,
    until_us: int,
    *,
    attempts: int | None = None,
) -> bool:
    """Nobody takes it before `until_us`; `attempts` is how many there were, where this one is not
    to count. False where somebody else has taken it over."""
    values = {"holder": None, "lease_until_us": until_us}
    told = {} if attempts is None else {"attempts": attempts}
    return await _changed(session, _held(task_id, holder), values | told)


async def finish(
    session: WriteSession, task_id: str, holder: str, ended: Finished, now_us: int
) -> bool:
    """False where somebody else has taken it over."""
    values = {**ended._asdict(), "completed_at_us": now_us, "holder": None, "lease_until_us": 0}
    return await _changed(session, _held(task_id, holder), values)


async def outdated(session: ReadSession, before_us: int, limit: int) -> list[ExportTaskRow]:
    """Of any customer: those whose files are old."""
    query = select(*_COLUMNS).where(
        _TASK.c.object_key.is_not(None), _TASK.c.completed_at_us <= before_us
    )
    found = await session.execute(query.order_by(_TASK.c.id).limit(limit))
    return [ExportTaskRow(*row) for row in found]


async def forget_file(session: WriteSession, task_id: str) -> bool:
    return await _changed(session, (_TASK.c.id == task_id,), {"object_key": None})


async def unfinished_or_stored(session: ReadSession) -> tuple[set[str], set[str]]:
    """Of any customer: the ids of those under way, and the keys of the files that others have."""
    pending = await session.scalars(select(_TASK.c.id).where(_PENDING))
    stored = select(_TASK.c.object_key).where(_TASK.c.object_key.is_not(None))
    return set(pending), set(await session.scalars(stored))


async def trim(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """Those whose files are gone and on which nobody works."""
    over = (_TASK.c.object_key.is_(None), ~_PENDING)
    return await remove_oldest(session, _TASK, before_us, limit, *over)


def _held(task_id: str, holder: str) -> tuple[ColumnElement[bool], ...]:
    return (_TASK.c.id == task_id, _PENDING, _TASK.c.holder == holder)


async def _changed(
    session: WriteSession, conditions: Sequence[ColumnElement[bool]], values: dict[str, Any]
) -> bool:
    statement = update(_TASK).where(*conditions).values(values)
    return cast(CursorResult[Any], await session.execute(statement)).rowcount == 1

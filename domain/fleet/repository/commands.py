"""Statements on commands to devices, and on what an edge did with them."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import and_, exists, func, insert, or_, select, update

from domain.fleet.commands import CommandFilter
from domain.fleet.models import CommandBulk, CommandState, DeviceCommand
from domain.fleet.rows import BulkRow, CommandRow
from domain.fleet.rules import OPEN
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.filters import matching
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.kernel.retention import Trimmed, remove_oldest

COMMAND = table_of(DeviceCommand)
BULK = table_of(CommandBulk)
_COLUMNS = tuple(COMMAND.c[name] for name in CommandRow._fields)
_BULK = tuple(BULK.c[name] for name in BulkRow._fields)
# Written out, so that both planners see that the partial index serves.
_OPEN = COMMAND.c.state.in_(sorted(OPEN))


async def page(
    session: ReadSession, customer_id: int, wanted: CommandFilter, window: PageRequest
) -> Page[CommandRow]:
    query = select(*_COLUMNS).where(matching(COMMAND, customer_id, wanted))
    return await fetch_page(session, query, COMMAND.c.id, window, CommandRow)


async def count(session: ReadSession, customer_id: int, wanted: CommandFilter) -> int:
    found = select(func.count()).select_from(COMMAND).where(matching(COMMAND, customer_id, wanted))
    return await session.scalar(found) or 0


async def by_ids(
    session: ReadSession, customer_id: int, ids: Sequence[str]
) -> dict[str, CommandRow]:
    query = select(*_COLUMNS).where(COMMAND.c.customer_id == customer_id, COMMAND.c.id.in_(ids))
    return {row[0]: CommandRow(*row) for row in await session.execute(query)}


async def find(
    session: ReadSession, customer_id: int, device_id: str, key: str
) -> CommandRow | None:
    """Of one device, by the client's id of it or ours."""
    named = COMMAND.c.key == key
    if is_id(key):
        named = or_(COMMAND.c.id == key, named)
    query = select(*_COLUMNS).where(
        COMMAND.c.customer_id == customer_id, COMMAND.c.device_id == device_id, named
    )
    rows = [CommandRow(*row) for row in await session.execute(query)]
    return min(rows, key=lambda row: row.key != key, default=None)


async def by_key(session: ReadSession, device_id: str, key: str) -> CommandRow | None:
    query = select(*_COLUMNS).where(COMMAND.c.device_id == device_id, COMMAND.c.key == key)
    found = (await session.execute(query)).one_or_none()
    return None if found is None else CommandRow(*found)


async def open_of(session: ReadSession, customer_id: int, device_id: str) -> list[CommandRow]:
    """What waits for this device or for its answer, oldest first."""
    query = (
        select(*_COLUMNS)
        .where(COMMAND.c.customer_id == customer_id, COMMAND.c.device_id == device_id, _OPEN)
        .order_by(COMMAND.c.id)
    )
    return [CommandRow(*row) for row in await session.execute(query)]


async def count_open(session: ReadSession, device_ids: Sequence[str]) -> dict[str, int]:
    query = (
        select(COMMAND.c.device_id, func.count())
        .where(COMMAND.c.device_id.in_(device_ids), _OPEN)
        .group_by(COMMAND.c.device_id)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def insert_rows(session: WriteSession, customer_id: int, rows: Sequence[CommandRow]) -> None:
    if rows:
        values = [{"customer_id": customer_id, **row._asdict()} for row in rows]
        await session.execute(insert(COMMAND), values)


async def change(
    session: WriteSession,
    customer_id: int,
    command_id: str,
    expected: Iterable[CommandState],
    **values: Any,
) -> CommandRow | None:
    """The row as it became; None where it is in none of the expected states (any more)."""
    statement = (
        update(COMMAND)
        .where(
            COMMAND.c.customer_id == customer_id,
            COMMAND.c.id == command_id,
            COMMAND.c.state.in_(sorted(expected)),
        )
        .values(**values)
        .returning(*_COLUMNS)
    )
    found = (await session.execute(statement)).one_or_none()
    return None if found is None else CommandRow(*found)


async def due(session: ReadSession, now_us: int, limit: int) -> list[tuple[int, str, CommandState]]:
    """(customer, command, what it becomes) of any customer whose time is over."""
    late = and_(COMMAND.c.deadline_at_us.is_not(None), COMMAND.c.deadline_at_us <= now_us)
    stale = and_(COMMAND.c.deadline_at_us.is_(None), COMMAND.c.expires_at_us <= now_us)
    query = (
        select(COMMAND.c.customer_id, COMMAND.c.id, COMMAND.c.deadline_at_us)
        .where(_OPEN, or_(late, stale))
        .limit(limit)
    )
    return [
        (row[0], row[1], CommandState.EXPIRED if row[2] is None else CommandState.TIMEOUT)
        for row in await session.execute(query)
    ]


async def bulk_by_key(session: ReadSession, group_id: str, key: str) -> BulkRow | None:
    query = select(*_BULK).where(BULK.c.group_id == group_id, BULK.c.key == key)
    found = (await session.execute(query)).one_or_none()
    return None if found is None else BulkRow(*found)


async def bulk(session: ReadSession, customer_id: int, bulk_id: str) -> BulkRow | None:
    if not is_id(bulk_id):
        return None
    query = select(*_BULK).where(BULK.c.customer_id == customer_id, BULK.c.id == bulk_id)
    found = (await session.execute(query)).one_or_none()
    return None if found is None else BulkRow(*found)


async def insert_bulk(session: WriteSession, customer_id: int, row: BulkRow) -> None:
    await session.execute(insert(BULK).values(customer_id=customer_id, **row._asdict()))


async def of_bulk(session: ReadSession, customer_id: int, bulk_id: str) -> list[CommandRow]:
    query = (
        select(*_COLUMNS)
        .where(COMMAND.c.customer_id == customer_id, COMMAND.c.bulk_id == bulk_id)
        .order_by(COMMAND.c.id)
    )
    return [CommandRow(*row) for row in await session.execute(query)]


async def trim(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """Those that are ended."""
    ended = COMMAND.c.state.not_in(sorted(OPEN))
    return await remove_oldest(session, COMMAND, before_us, limit, ended)


async def trim_bulks(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """Those of which no command is left."""
    empty = ~exists().where(COMMAND.c.bulk_id == BULK.c.id)
    return await remove_oldest(session, BULK, before_us, limit, empty)

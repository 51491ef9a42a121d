"""Statements on what devices log."""

from collections.abc import Sequence

from sqlalchemy import func, insert, select

from domain.fleet.commands import LogFilter
from domain.fleet.models import DeviceLog
from domain.fleet.rows import DeviceLogRow
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.filters import matching
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.kernel.retention import Trimmed, remove_oldest

LOG = table_of(DeviceLog)
_LOG = tuple(LOG.c[name] for name in DeviceLogRow._fields)


async def insert_logs(
    session: WriteSession, customer_id: int, rows: Sequence[DeviceLogRow]
) -> None:
    await session.execute(
        insert(LOG), [{"customer_id": customer_id, **row._asdict()} for row in rows]
    )


async def log_page(
    session: ReadSession, customer_id: int, device_id: str, wanted: LogFilter, window: PageRequest
) -> Page[DeviceLogRow]:
    query = select(*_LOG).where(matching(LOG, customer_id, wanted), LOG.c.device_id == device_id)
    return await fetch_page(session, query, LOG.c.id, window, DeviceLogRow)


async def count_logs(
    session: ReadSession, customer_id: int, device_id: str, wanted: LogFilter
) -> int:
    query = select(func.count()).select_from(LOG)
    query = query.where(matching(LOG, customer_id, wanted), LOG.c.device_id == device_id)
    return await session.scalar(query) or 0


async def log_entry(session: ReadSession, customer_id: int, entry_id: str) -> DeviceLogRow | None:
    query = select(*_LOG).where(LOG.c.customer_id == customer_id, LOG.c.id == entry_id)
    row = (await session.execute(query)).one_or_none()
    return None if row is None else DeviceLogRow(*row)


async def trim_logs(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """By when they came in."""
    return await remove_oldest(session, LOG, before_us, limit)

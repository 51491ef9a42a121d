"""Statements on scans that are not the hot path."""

from collections.abc import Sequence

from sqlalchemy import func, select

from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.filters import listed, matching
from domain.kernel.ids import earliest_id
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.kernel.retention import Trimmed, remove_oldest
from domain.production.commands import ScanFilter
from domain.production.models import Scan, ScanRollup
from domain.production.rows import ScanRow

SCAN = table_of(Scan)
ROLLUP = table_of(ScanRollup)
COLUMNS = tuple(SCAN.c[name] for name in ScanRow._fields)


async def page(
    session: ReadSession, customer_id: int, wanted: ScanFilter, window: PageRequest
) -> Page[ScanRow]:
    query = select(*COLUMNS).where(listed(SCAN, customer_id, wanted))
    return await fetch_page(session, query, SCAN.c.id, window, ScanRow)


async def count(session: ReadSession, customer_id: int, wanted: ScanFilter) -> int:
    query = select(func.count()).select_from(SCAN).where(matching(SCAN, customer_id, wanted))
    return await session.scalar(query) or 0


async def total(session: ReadSession, customer_id: int) -> tuple[int, int | None]:
    """How many scans there are and when the last was recorded, from the rollups."""
    query = select(func.sum(ROLLUP.c.scans), func.max(ROLLUP.c.last_scan_us)).where(
        ROLLUP.c.customer_id == customer_id
    )
    count, last_us = (await session.execute(query)).one()
    return int(count or 0), last_us


async def verdicts_since(
    session: ReadSession, customer_id: int, line_id: str, since_us: int
) -> tuple[int, int]:
    """(refused, all) of what was read here on a line since then. Read along the ids, which begin
    with their time: the price is that of the reads since then, on whatever line."""
    refused = func.count().filter(~SCAN.c.valid)
    query = select(refused, func.count()).where(
        SCAN.c.id >= earliest_id(since_us),
        SCAN.c.customer_id + 0 == customer_id,
        SCAN.c.line_id == line_id,
        SCAN.c.recorded_at_us >= since_us,
    )
    return tuple((await session.execute(query)).one())  # type: ignore[return-value]


async def by_ids(session: ReadSession, customer_id: int, ids: Sequence[str]) -> dict[str, ScanRow]:
    query = select(*COLUMNS).where(SCAN.c.customer_id == customer_id, SCAN.c.id.in_(ids))
    return {row[0]: ScanRow(*row) for row in await session.execute(query)}


async def of_bottles(
    session: ReadSession, customer_id: int, bottle_ids: Sequence[str], as_of_us: int | None
) -> list[ScanRow]:
    """Every scan of these bottles, oldest first."""
    query = select(*COLUMNS).where(
        SCAN.c.customer_id == customer_id, SCAN.c.bottle_id.in_(bottle_ids)
    )
    if as_of_us is not None:
        query = query.where(SCAN.c.recorded_at_us <= as_of_us)
    return [ScanRow(*row) for row in await session.execute(query.order_by(SCAN.c.id))]


async def trim(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """Totals stay (they are in the rollups), and so do bottles and their history."""
    return await remove_oldest(session, SCAN, before_us, limit)

"""Statements on scans that are not the hot path."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, false, func, select

from domain.kernel.clock import SECOND_US
from domain.kernel.columns import table_of
from domain.kernel.database import OpensReads, ReadSession, WriteSession
from domain.kernel.filters import listed, matching
from domain.kernel.ids import earliest_id, is_id
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.kernel.retention import Trimmed, remove_oldest
from domain.production.commands import ScanFilter
from domain.production.models import Scan, ScanRollup
from domain.production.repository.gateway_scans import COLUMNS as TOLD_COLUMNS
from domain.production.repository.gateway_scans import GATEWAY_SCAN
from domain.production.rows import GatewayRead, ScanRow, ToldScan

SCAN = table_of(Scan)
ROLLUP = table_of(ScanRollup)
COLUMNS = tuple(SCAN.c[name] for name in ScanRow._fields)
CLOCKS_DIFFER_US: Final = 24 * 3_600 * SECOND_US
"""A scan that was told to have been read later than a day after it was recorded is not found by
when it was read."""
_WIDTH: Final = len(COLUMNS)
BATCH: Final = 1_000
"""As many rows as keep the loop busy for some milliseconds."""


async def page(
    session: ReadSession, customer_id: int, wanted: ScanFilter, window: PageRequest
) -> Page[ScanRow]:
    conditions = await _wanted(session, listed, customer_id, wanted)
    query = select(*COLUMNS).where(*conditions)
    return await fetch_page(session, query, SCAN.c.id, window, ScanRow)


async def told_page(
    session: ReadSession, customer_id: int, wanted: ScanFilter, window: PageRequest
) -> Page[ToldScan]:
    """With what gateways told."""
    conditions = await _wanted(session, listed, customer_id, wanted)
    query = (
        select(*COLUMNS, *TOLD_COLUMNS)
        .join_from(SCAN, GATEWAY_SCAN, GATEWAY_SCAN.c.scan_id == SCAN.c.id, isouter=True)
        .where(*conditions)
    )
    return await fetch_page(session, query, SCAN.c.id, window, _told)


def _told(*columns: Any) -> ToldScan:
    told = columns[_WIDTH:]
    return ToldScan(
        ScanRow._make(columns[:_WIDTH]), None if told[0] is None else GatewayRead._make(told)
    )


async def told_batches(
    reads: OpensReads, customer_id: int, wanted: ScanFilter, size: int = BATCH
) -> AsyncIterator[Sequence[ToldScan]]:
    """Every matching scan, newest first, each batch read by a session of its own: memory and locks
    stay flat however slow the receiver is."""
    window = PageRequest(limit=size)
    while True:
        async with reads.read() as session:
            found = await told_page(session, customer_id, wanted, window)
        if found.rows:
            yield found.rows
        if not found.has_next:
            return
        window = replace(window, after=found.rows[-1].id)


async def count(session: ReadSession, customer_id: int, wanted: ScanFilter) -> int:
    conditions = await _wanted(session, matching, customer_id, wanted)
    query = select(func.count()).select_from(SCAN).where(*conditions)
    return await session.scalar(query) or 0


async def _wanted(
    session: ReadSession,
    choose: Callable[[Table, int, ScanFilter], ColumnElement[bool]],
    customer_id: int,
    wanted: ScanFilter,
) -> list[ColumnElement[bool]]:
    of_scan = choose(SCAN, customer_id, replace(wanted, gateway_id=None))
    if wanted.gateway_id is None:
        narrowed = await _up_to(session, customer_id, wanted)
    else:
        narrowed = _of_gateway(customer_id, wanted.gateway_id, wanted)
    return [of_scan, *_recorded(wanted), *narrowed]


def _of_gateway(customer_id: int, gateway_id: str, wanted: ScanFilter) -> list[ColumnElement[bool]]:
    """A stretch of the index that begins with the gateway."""
    if not is_id(gateway_id):
        return [false()]
    told = select(GATEWAY_SCAN.c.scan_id).where(
        GATEWAY_SCAN.c.gateway_id == gateway_id, GATEWAY_SCAN.c.customer_id == customer_id
    )
    if wanted.scanned_from_us is not None:
        told = told.where(GATEWAY_SCAN.c.occurred_at_us >= wanted.scanned_from_us)
    if wanted.scanned_to_us is not None:
        told = told.where(GATEWAY_SCAN.c.occurred_at_us < wanted.scanned_to_us)
    return [SCAN.c.id.in_(told)]


def _recorded(wanted: ScanFilter) -> list[ColumnElement[bool]]:
    """Ids begin with the time of recording, by which a list is read: nothing is looked at that was
    recorded long before the window opens. A read is recorded after it happened, as far as the
    clock agrees that it was told by."""
    if wanted.scanned_from_us is None:
        return []
    return [SCAN.c.id >= earliest_id(wanted.scanned_from_us - CLOCKS_DIFFER_US)]


async def _up_to(
    session: ReadSession, customer_id: int, wanted: ScanFilter
) -> list[ColumnElement[bool]]:
    """What rollups know of a window that has closed: no scan of it is above the greatest id of the
    hours in which anything was recorded that was read by then. A list of old reads so begins among
    them, not at the end of all that came since. (A window that is open, or closed just now, begins
    at the end, which the newest hour alone tells.)"""
    if wanted.scanned_to_us is None:
        return []
    ours, last_id = ROLLUP.c.customer_id == customer_id, ROLLUP.c.last_scan_id
    newest = select(ROLLUP.c.first_read_us).where(ours).order_by(ROLLUP.c.hour_us.desc())
    first_read_us = await session.scalar(newest.limit(1))
    if first_read_us is not None and first_read_us < wanted.scanned_to_us:
        return []
    by_then = ours & (ROLLUP.c.first_read_us < wanted.scanned_to_us) & last_id.is_not(None)
    found = select(last_id).where(by_then).order_by(last_id.desc()).limit(1)
    last = await session.scalar(found)
    return [false() if last is None else SCAN.c.id <= last]


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

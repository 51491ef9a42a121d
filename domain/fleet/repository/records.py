"""Statements on what devices tell: log entries and measured values."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from domain.fleet.commands import LogFilter, TelemetryFilter
from domain.fleet.models import DeviceLog, Telemetry
from domain.fleet.repository.devices import DEVICE
from domain.fleet.rows import DeviceLogRow, TelemetryRow
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.filters import matching
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.kernel.retention import Trimmed, remove_oldest, removed

LOG = table_of(DeviceLog)
TELEMETRY = table_of(Telemetry)
_LOG = tuple(LOG.c[name] for name in DeviceLogRow._fields)
_TELEMETRY = tuple(TELEMETRY.c[name] for name in TelemetryRow._fields)


class TelemetryTotal(NamedTuple):
    points: int
    recent_points: int


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


async def insert_points(
    session: WriteSession, customer_id: int, rows: Sequence[TelemetryRow]
) -> None:
    """A point that is there already stays as it was: the first delivery counts."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    values = [{"customer_id": customer_id, **row._asdict()} for row in rows]
    await session.execute(dialect.insert(TELEMETRY).on_conflict_do_nothing(), values)


async def points(
    session: ReadSession, customer_id: int, device_id: str, wanted: TelemetryFilter
) -> list[TelemetryRow]:
    """Newest first."""
    query = select(*_TELEMETRY).where(
        TELEMETRY.c.customer_id == customer_id, TELEMETRY.c.device_id == device_id
    )
    if wanted.metric is not None:
        query = query.where(TELEMETRY.c.metric == wanted.metric)
    if wanted.measured_from_us is not None:
        query = query.where(TELEMETRY.c.measured_at_us >= wanted.measured_from_us)
    if wanted.measured_to_us is not None:
        query = query.where(TELEMETRY.c.measured_at_us < wanted.measured_to_us)
    newest = query.order_by(TELEMETRY.c.measured_at_us.desc(), TELEMETRY.c.metric)
    return [TelemetryRow(*row) for row in await session.execute(newest.limit(wanted.limit))]


async def latest(
    session: ReadSession, customer_id: int, device_ids: Sequence[str]
) -> dict[str, list[TelemetryRow]]:
    """The last value of each metric of several devices, in one statement, by metric."""
    last = (
        select(
            TELEMETRY.c.device_id,
            TELEMETRY.c.metric,
            func.max(TELEMETRY.c.measured_at_us).label("at_us"),
        )
        .where(TELEMETRY.c.customer_id == customer_id, TELEMETRY.c.device_id.in_(device_ids))
        .group_by(TELEMETRY.c.device_id, TELEMETRY.c.metric)
        .subquery()
    )
    same = (
        (TELEMETRY.c.device_id == last.c.device_id)
        & (TELEMETRY.c.metric == last.c.metric)
        & (TELEMETRY.c.measured_at_us == last.c.at_us)
    )
    query = select(*_TELEMETRY).join_from(TELEMETRY, last, same).order_by(TELEMETRY.c.metric)
    found: dict[str, list[TelemetryRow]] = {key: [] for key in device_ids}
    for row in await session.execute(query):
        found[row[0]].append(TelemetryRow(*row))
    return found


async def sums_of_line(
    session: ReadSession, customer_id: int, line_id: str, metrics: Sequence[str], since_us: int
) -> dict[str, float]:
    """What the devices of a line told of it since then, by metric; what none told is missing."""
    query = (
        select(TELEMETRY.c.metric, func.sum(TELEMETRY.c.value))
        .join_from(DEVICE, TELEMETRY, DEVICE.c.id == TELEMETRY.c.device_id)
        .where(
            DEVICE.c.customer_id == customer_id,
            DEVICE.c.line_id == line_id,
            TELEMETRY.c.metric.in_(metrics),
            TELEMETRY.c.measured_at_us >= since_us,
        )
        .group_by(TELEMETRY.c.metric)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def total(
    session: ReadSession, customer_id: int, device_id: str | None, since_us: int
) -> TelemetryTotal:
    """How many points are kept of a device, or of all, and how many since then."""
    recent = func.count().filter(TELEMETRY.c.measured_at_us >= since_us)
    query = select(func.count(), recent).where(TELEMETRY.c.customer_id == customer_id)
    if device_id is not None:
        query = query.where(TELEMETRY.c.device_id == device_id)
    return TelemetryTotal(*(await session.execute(query)).one())


async def trim_logs(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """By when they came in."""
    return await remove_oldest(session, LOG, before_us, limit)


async def trim_points(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """By when they were measured."""
    key = tuple_(*TELEMETRY.primary_key)
    old = (
        select(*TELEMETRY.primary_key)
        .where(TELEMETRY.c.measured_at_us < before_us)
        .order_by(TELEMETRY.c.measured_at_us)
        .limit(limit)
    )
    return await removed(session, delete(TELEMETRY).where(key.in_(old)), limit)

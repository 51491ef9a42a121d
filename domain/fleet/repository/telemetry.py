"""Statements on what devices measure: points, their series, and how many there were in an hour."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, case, delete, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from domain.fleet.commands import TelemetryFilter
from domain.fleet.models import Telemetry, TelemetryRollup, TelemetrySeries
from domain.fleet.repository.devices import DEVICE
from domain.fleet.rows import SeriesRow, TelemetryRow
from domain.kernel.clock import SECOND_US
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.retention import Trimmed, removed

TELEMETRY = table_of(Telemetry)
SERIES = table_of(TelemetrySeries)
ROLLUP = table_of(TelemetryRollup)
HOUR_US: Final = 3_600 * SECOND_US
_TELEMETRY = tuple(TELEMETRY.c[name] for name in TelemetryRow._fields)
_SERIES = tuple(SERIES.c[name] for name in SeriesRow._fields)


async def insert_points(
    session: WriteSession, customer_id: int, rows: Sequence[TelemetryRow]
) -> None:
    """Of one device. A point that is there already stays as it was: the first delivery counts."""
    statement = _dialect(session).insert(TELEMETRY).on_conflict_do_nothing().returning(*_TELEMETRY)
    values = [{"customer_id": customer_id, **row._asdict()} for row in rows]
    stored = [TelemetryRow(*row) for row in await session.execute(statement, values)]
    if stored:
        await _add_series(session, customer_id, stored)
        await _add_hours(session, customer_id, stored)


async def _add_series(
    session: WriteSession, customer_id: int, stored: Sequence[TelemetryRow]
) -> None:
    """In one order everywhere, so that two writers never wait for each other in a circle."""
    counts = Counter(row.metric for row in stored)
    last = {row.metric: row for row in sorted(stored, key=lambda row: row.measured_at_us)}
    values = [
        {"customer_id": customer_id, "points": counts[metric], **last[metric]._asdict()}
        for metric in sorted(last)
    ]
    statement = _dialect(session).insert(SERIES)
    given = statement.excluded
    newer = given.measured_at_us >= SERIES.c.measured_at_us
    changes = {
        name: case((newer, given[name]), else_=SERIES.c[name])
        for name in ("measured_at_us", "value")
    }
    changes["points"] = SERIES.c.points + given.points
    await session.execute(
        statement.on_conflict_do_update(index_elements=_keys(SERIES), set_=changes), values
    )


async def _add_hours(
    session: WriteSession, customer_id: int, stored: Sequence[TelemetryRow]
) -> None:
    counts = Counter(_hour_of(row.measured_at_us) for row in stored)
    device_id = stored[0].device_id
    values = [
        {"device_id": device_id, "hour_us": hour_us, "customer_id": customer_id, "points": count}
        for hour_us, count in sorted(counts.items())
    ]
    statement = _dialect(session).insert(ROLLUP)
    more = {"points": ROLLUP.c.points + statement.excluded.points}
    await session.execute(
        statement.on_conflict_do_update(index_elements=_keys(ROLLUP), set_=more), values
    )


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


async def series(
    session: ReadSession, customer_id: int, device_ids: Sequence[str]
) -> dict[str, list[SeriesRow]]:
    """Of several devices, in one statement, by metric."""
    query = (
        select(*_SERIES)
        .where(SERIES.c.customer_id == customer_id, SERIES.c.device_id.in_(device_ids))
        .order_by(SERIES.c.metric)
    )
    found: dict[str, list[SeriesRow]] = {key: [] for key in device_ids}
    for row in await session.execute(query):
        found[row[0]].append(SeriesRow(*row))
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


async def recent_points(
    session: ReadSession, customer_id: int, device_ids: Sequence[str], since_us: int
) -> dict[str, int]:
    """How many there were of each of these devices since then."""
    named = (DEVICE.c.customer_id == customer_id) & DEVICE.c.id.in_(device_ids)
    found: Counter[str] = Counter()
    for query in _since(named, since_us):
        for device_id, count in await session.execute(query):
            found[device_id] += int(count)
    return {key: found[key] for key in device_ids}


async def count_since(session: ReadSession, customer_id: int, since_us: int) -> int:
    """Of all devices that are present."""
    present = (DEVICE.c.customer_id == customer_id) & DEVICE.c.removed_at_us.is_(None)
    counts = [query.subquery() for query in _since(present, since_us)]
    sums = [await session.scalar(select(func.sum(one.c.points))) for one in counts]
    return sum(int(one or 0) for one in sums)


def _since(devices: ColumnElement[bool], since_us: int) -> tuple[Select[Any], Select[Any]]:
    """Points by device: whole hours by their sums, and only what is left of the first hour point
    by point."""
    whole_us = _hour_of(since_us + HOUR_US - 1)
    hours = ROLLUP.c.hour_us >= whole_us
    rest = (TELEMETRY.c.measured_at_us >= since_us) & (TELEMETRY.c.measured_at_us < whole_us)
    return (
        _by_device(ROLLUP, func.sum(ROLLUP.c.points), devices & hours),
        _by_device(TELEMETRY, func.count(), devices & rest),
    )


def _by_device(
    table: Table, points: ColumnElement[Any], wanted: ColumnElement[bool]
) -> Select[Any]:
    return (
        select(DEVICE.c.id, points.label("points"))
        .join_from(DEVICE, table, table.c.device_id == DEVICE.c.id)
        .where(wanted)
        .group_by(DEVICE.c.id)
    )


async def trim_points(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """By when they were measured."""
    return await _trim(session, TELEMETRY, TELEMETRY.c.measured_at_us, before_us, limit)


async def trim_series(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """A metric that is measured no more goes with its last point."""
    return await _trim(session, SERIES, SERIES.c.measured_at_us, before_us, limit)


async def trim_hours(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """Hours that are over."""
    return await _trim(session, ROLLUP, ROLLUP.c.hour_us, before_us - HOUR_US, limit)


async def _trim(
    session: WriteSession, table: Table, time: ColumnElement[int], before_us: int, limit: int
) -> Trimmed:
    key = tuple_(*table.primary_key)
    old = select(*table.primary_key).where(time < before_us).order_by(time).limit(limit)
    return await removed(session, delete(table).where(key.in_(old)), limit)


def _hour_of(at_us: int) -> int:
    return at_us - at_us % HOUR_US


def _keys(table: Table) -> list[str]:
    return [column.name for column in table.primary_key]


def _dialect(session: WriteSession) -> Any:
    return sqlite if session.get_bind().dialect.name == "sqlite" else postgresql

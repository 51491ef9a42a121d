"""Statements that count devices and how long they were up."""

from collections import Counter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, case, func, or_, select

from domain.fleet.models import DeviceStatus
from domain.fleet.repository.devices import CHANGE, DEVICE
from domain.fleet.rules import PLANNED, UP
from domain.kernel.database import ReadSession


class Groups(NamedTuple):
    """How many present devices there are for each value of a column; no zero buckets."""

    kind: dict[Any, int]
    status: dict[Any, int]
    location: dict[Any, int]
    manufacturer: dict[Any, int]


async def groups(session: ReadSession, customer_id: int) -> Groups:
    """In one statement: devices are few kinds in few places."""
    columns = [DEVICE.c[name] for name in Groups._fields]
    query = select(*columns, func.count()).where(_present(customer_id)).group_by(*columns)
    counts: list[Counter[Any]] = [Counter() for _ in columns]
    for *values, count in await session.execute(query):
        for counter, value in zip(counts, values, strict=True):
            counter[value] += count
    return Groups(*(dict(counter) for counter in counts))


async def new_and_active(session: ReadSession, customer_id: int, since_us: int) -> tuple[int, int]:
    """Registered since then; heard of since then or there now."""
    new = func.count().filter(DEVICE.c.created_at_us >= since_us)
    heard = or_(DEVICE.c.alive, DEVICE.c.last_seen_at_us >= since_us)
    query = select(new, func.count().filter(heard)).where(_present(customer_id))
    found = (await session.execute(query)).one()
    return found[0], found[1]


async def uptime_percent(
    session: ReadSession, customer_id: int, from_us: int, to_us: int
) -> float | None:
    """Of the time that present devices were not under maintenance, from when each was registered;
    None where there was none.

    A device's time up is that of how it stands now, as if it had always stood so, plus for each
    change what stood before less what came then, up to the change: all but the true parts cancel
    out, and no row has to know its neighbour.
    """
    up_ms, counted_ms = await _now(session, customer_id, from_us, to_us)
    more_up_ms, more_counted_ms = await _changes(session, customer_id, from_us, to_us)
    whole_ms = counted_ms + more_counted_ms
    return 100 * (up_ms + more_up_ms) / whole_ms if whole_ms > 0 else None


async def _now(session: ReadSession, customer_id: int, from_us: int, to_us: int) -> tuple[int, int]:
    """Milliseconds up and milliseconds that count, were all devices always as they are now."""
    lasted = _ms(to_us - _begin(from_us))
    parts = [func.sum(lasted * flag(DEVICE.c.status)) for flag in (_is_up, _counts)]
    old = DEVICE.c.created_at_us <= to_us
    found = (await session.execute(select(*parts).where(_present(customer_id), old))).one()
    return int(found[0] or 0), int(found[1] or 0)


async def _changes(
    session: ReadSession, customer_id: int, from_us: int, to_us: int
) -> tuple[int, int]:
    """What changes within that time add to it, or take away."""
    before = _ms(CHANGE.c.at_us - _begin(from_us))
    parts = [
        func.sum(before * (flag(CHANGE.c.previous) - flag(CHANGE.c.status)))
        for flag in (_is_up, _counts)
    ]
    query = (
        select(*parts)
        .select_from(DEVICE)
        .join(CHANGE, CHANGE.c.device_id == DEVICE.c.id)
        .where(_present(customer_id), CHANGE.c.at_us >= from_us, CHANGE.c.at_us <= to_us)
    )
    found = (await session.execute(query)).one()
    return int(found[0] or 0), int(found[1] or 0)


def _begin(from_us: int) -> ColumnElement[int]:
    return case((DEVICE.c.created_at_us > from_us, DEVICE.c.created_at_us), else_=from_us)


def _ms(lasted_us: ColumnElement[int]) -> ColumnElement[int]:
    """A sum of microseconds over a large fleet would not fit into 64 bits."""
    return lasted_us // 1_000


def _is_up(status: ColumnElement[DeviceStatus]) -> ColumnElement[int]:
    return case((status.in_(UP), 1), else_=0)


def _counts(status: ColumnElement[DeviceStatus]) -> ColumnElement[int]:
    return case((status == PLANNED, 0), else_=1)


def _present(customer_id: int) -> ColumnElement[bool]:
    return (DEVICE.c.customer_id == customer_id) & DEVICE.c.removed_at_us.is_(None)

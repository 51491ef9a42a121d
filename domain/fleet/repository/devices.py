"""Statements on devices and their status. A removed device is found by its id alone."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Select, false, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.fleet.commands import DeviceFilter
from domain.fleet.models import Device, DeviceGroupMember, DeviceStatus, DeviceStatusChange
from domain.fleet.rows import DeviceRow, StatusChangeRow, TokenSubject
from domain.fleet.rules import WITHIN
from domain.identity.models import Customer
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.filters import matching
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.kernel.retention import Trimmed, remove_oldest
from domain.kernel.text import is_storable

DEVICE = table_of(Device)
CHANGE = table_of(DeviceStatusChange)
MEMBER = table_of(DeviceGroupMember)
_CUSTOMER = table_of(Customer)
COLUMNS = tuple(DEVICE.c[name] for name in DeviceRow._fields)
_CHANGE = tuple(CHANGE.c[name] for name in StatusChangeRow._fields)


async def page(
    session: ReadSession, customer_id: int, wanted: DeviceFilter, window: PageRequest
) -> Page[DeviceRow]:
    query = select(*COLUMNS).where(_matching(customer_id, wanted))
    return await fetch_page(session, query, DEVICE.c.id, window, DeviceRow)


async def listed(
    session: ReadSession,
    customer_id: int,
    wanted: DeviceFilter,
    *,
    sort: str = "number",
    descending: bool = False,
    offset: int = 0,
    limit: int = 100,
) -> list[DeviceRow]:
    """For faces that count pages; `sort` is a column of a DeviceRow. What is not given comes last,
    either way, on both databases."""
    column = DEVICE.c[sort]
    order = (column.desc(), DEVICE.c.id.desc()) if descending else (column.asc(), DEVICE.c.id.asc())
    first, then = order
    order = (first.nulls_last(), then) if column.nullable else order
    query = select(*COLUMNS).where(_matching(customer_id, wanted)).order_by(*order)
    found = await session.execute(query.offset(offset).limit(limit))
    return [DeviceRow(*row) for row in found]


async def count(session: ReadSession, customer_id: int, wanted: DeviceFilter) -> int:
    query = select(func.count()).select_from(DEVICE).where(_matching(customer_id, wanted))
    return await session.scalar(query) or 0


async def is_among(
    session: ReadSession, customer_id: int, device_id: str, wanted: DeviceFilter
) -> bool:
    """Whether it is one of those that the filter finds."""
    query = select(DEVICE.c.id).where(_matching(customer_id, wanted), DEVICE.c.id == device_id)
    return (await session.execute(query)).first() is not None


async def count_by(session: ReadSession, customer_id: int, field: str) -> dict[Any, int]:
    """How many present devices there are for each value of a column; no zero buckets."""
    column = DEVICE.c[field]
    query = (
        select(column, func.count())
        .where(_matching(customer_id, DeviceFilter()))
        .group_by(column)
        .order_by(column)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def totals(session: ReadSession, customer_id: int) -> tuple[int, int, int]:
    """Heard of lately, not heard of lately, and what they all last reported to wait."""
    heard = func.count().filter(DEVICE.c.alive)
    query = select(heard, func.count(), func.coalesce(func.sum(DEVICE.c.queue_size), 0))
    query = query.where(_matching(customer_id, DeviceFilter()))
    online, present, waiting = (await session.execute(query)).one()
    return online, present - online, int(waiting)


async def find(session: ReadSession, customer_id: int, key: str) -> DeviceRow | None:
    """A present device by id or identifier; the id wins."""
    return await _find(session, _by_key(customer_id, key), key)


async def lock(session: WriteSession, customer_id: int, key: str) -> DeviceRow | None:
    """The same, and nobody else changes it before this transaction ends."""
    # Not the key: what only points to the device need not wait.
    query = _by_key(customer_id, key).with_for_update(key_share=True)
    return await _find(session, query, key)


async def by_number(session: ReadSession, customer_id: int, number: int) -> DeviceRow | None:
    if not 0 < number < 2**31:
        return None
    query = _present(customer_id).where(DEVICE.c.number == number)
    found = (await session.execute(query)).one_or_none()
    return None if found is None else DeviceRow(*found)


async def by_keys(
    session: ReadSession, customer_id: int, keys: Sequence[str]
) -> dict[str, DeviceRow]:
    """Present devices by id or identifier, under the key that was asked for."""
    keys = [key for key in keys if key.isprintable()]
    ids = [key for key in keys if is_id(key)]
    query = _present(customer_id).where(or_(DEVICE.c.id.in_(ids), DEVICE.c.identifier.in_(keys)))
    rows = [DeviceRow(*row) for row in await session.execute(query)]
    found = {row.identifier: row for row in rows} | {row.id: row for row in rows}
    return {key: found[key] for key in keys if key in found}


async def by_ids(
    session: ReadSession, customer_id: int, ids: Sequence[str]
) -> dict[str, DeviceRow]:
    """Removed ones too: what they did is still told of."""
    query = select(*COLUMNS).where(DEVICE.c.customer_id == customer_id, DEVICE.c.id.in_(ids))
    return {row[0]: DeviceRow(*row) for row in await session.execute(query)}


async def ids_named(session: ReadSession, customer_id: int, identifier: str) -> list[str]:
    """Of all that ever had this identifier, removed ones too."""
    if not is_storable(identifier):
        return []
    query = select(DEVICE.c.id).where(
        DEVICE.c.customer_id == customer_id, DEVICE.c.identifier == identifier
    )
    return list(await session.scalars(query.order_by(DEVICE.c.id)))


async def token_subject(session: ReadSession, device_id: str) -> TokenSubject | None:
    """Of any customer: for the token that names it. Present ones only."""
    if not is_id(device_id):
        return None
    columns = (
        DEVICE.c.id,
        DEVICE.c.identifier,
        DEVICE.c.customer_id,
        _CUSTOMER.c.public_id,
        DEVICE.c.token_generation,
    )
    query = select(*columns).join_from(DEVICE, _CUSTOMER, DEVICE.c.customer_id == _CUSTOMER.c.id)
    query = query.where(DEVICE.c.id == device_id, DEVICE.c.removed_at_us.is_(None))
    found = (await session.execute(query)).one_or_none()
    return None if found is None else TokenSubject(*found)


async def insert_new(session: WriteSession, customer_id: int, row: DeviceRow) -> bool:
    """False where a present device has this identifier already."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    values = {"customer_id": customer_id, "token_generation": 0, **row._asdict()}
    statement = dialect.insert(DEVICE).values(values).on_conflict_do_nothing()
    done = await session.execute(statement)
    return cast(CursorResult[Any], done).rowcount == 1


async def change(
    session: WriteSession,
    customer_id: int,
    device_id: str,
    *conditions: ColumnElement[bool],
    **values: Any,
) -> bool:
    """False where it is not there, or a condition no longer holds."""
    statement = update(DEVICE).where(
        DEVICE.c.customer_id == customer_id,
        DEVICE.c.id == device_id,
        DEVICE.c.removed_at_us.is_(None),
        *conditions,
    )
    changed = await session.execute(statement.values(**values))
    return cast(CursorResult[Any], changed).rowcount == 1


async def silent(session: ReadSession, heard_before_us: int, limit: int) -> list[tuple[int, str]]:
    """(customer, device) of any customer that are thought alive and were not heard of since."""
    query = (
        select(DEVICE.c.customer_id, DEVICE.c.id)
        .where(
            DEVICE.c.alive,
            DEVICE.c.last_heartbeat_at_us < heard_before_us,
            DEVICE.c.removed_at_us.is_(None),
        )
        .limit(limit)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def write_change(session: WriteSession, customer_id: int, row: StatusChangeRow) -> None:
    await session.execute(insert(CHANGE).values(customer_id=customer_id, **row._asdict()))


async def status_changes(
    session: ReadSession, customer_id: int, device_id: str, window: PageRequest
) -> Page[StatusChangeRow]:
    query = select(*_CHANGE).where(
        CHANGE.c.customer_id == customer_id, CHANGE.c.device_id == device_id
    )
    return await fetch_page(session, query, CHANGE.c.id, window, StatusChangeRow)


async def status_change(
    session: ReadSession, customer_id: int, change_id: str
) -> StatusChangeRow | None:
    query = select(*_CHANGE).where(CHANGE.c.customer_id == customer_id, CHANGE.c.id == change_id)
    row = (await session.execute(query)).one_or_none()
    return None if row is None else StatusChangeRow(*row)


async def status_counts(session: ReadSession, customer_id: int) -> dict[DeviceStatus, int]:
    return await count_by(session, customer_id, "status")


async def runs_firmware(session: ReadSession, customer_id: int, version: str) -> bool:
    """Whether a present device last reported this version."""
    query = _present(customer_id).where(DEVICE.c.firmware_version == version).limit(1)
    return (await session.execute(query)).first() is not None


def _present(customer_id: int) -> Select[Any]:
    return select(*COLUMNS).where(
        DEVICE.c.customer_id == customer_id, DEVICE.c.removed_at_us.is_(None)
    )


def _by_key(customer_id: int, key: str) -> Select[Any]:
    named = DEVICE.c.identifier == key
    return _present(customer_id).where(or_(DEVICE.c.id == key, named) if is_id(key) else named)


async def _find(session: ReadSession, query: Select[Any], key: str) -> DeviceRow | None:
    if "\0" in key or not key.isprintable():
        return None
    rows = [DeviceRow(*row) for row in await session.execute(query)]
    return min(rows, key=lambda row: row.id != key, default=None)


def _matching(customer_id: int, wanted: DeviceFilter) -> ColumnElement[bool]:
    plain = replace(wanted, group_id=None, search=None, place=None)
    found = matching(DEVICE, customer_id, plain) & DEVICE.c.removed_at_us.is_(None)
    if wanted.place is not None:
        found &= _at(wanted.place)
    if wanted.group_id is not None:
        found &= _in_group(wanted.group_id)
    if wanted.search is not None:
        part = f"%{_escaped(wanted.search.lower())}%"
        named = func.lower(DEVICE.c.name).like(part, escape="\\")
        found &= or_(func.lower(DEVICE.c.identifier).like(part, escape="\\"), named)
    return found


def _at(place: str) -> ColumnElement[bool]:
    """Not by LIKE, which does not mind capitals on one of the databases."""
    inside = place + WITHIN
    location = DEVICE.c.location
    return or_(location == place, func.substr(location, 1, len(inside)) == inside)


def _in_group(group_id: str) -> ColumnElement[bool]:
    if not is_id(group_id):
        return false()
    return DEVICE.c.id.in_(select(MEMBER.c.device_id).where(MEMBER.c.group_id == group_id))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def trim_changes(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """How a device stands now is in its own row."""
    return await remove_oldest(session, CHANGE, before_us, limit)

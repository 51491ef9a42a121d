"""Statements on groups of devices."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.fleet.models import DeviceGroup, DeviceGroupMember
from domain.fleet.repository.devices import COLUMNS as DEVICE_COLUMNS
from domain.fleet.repository.devices import DEVICE
from domain.fleet.rows import DeviceRow, GroupRow
from domain.fleet.rules import MAX_GROUP
from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest, fetch_page

GROUP = table_of(DeviceGroup)
MEMBER = table_of(DeviceGroupMember)
_COLUMNS = tuple(GROUP.c[name] for name in GroupRow._fields)


async def page(session: ReadSession, customer_id: int, window: PageRequest) -> Page[GroupRow]:
    query = select(*_COLUMNS).where(GROUP.c.customer_id == customer_id)
    return await fetch_page(session, query, GROUP.c.id, window, GroupRow)


async def count(session: ReadSession, customer_id: int) -> int:
    query = select(func.count()).select_from(GROUP).where(GROUP.c.customer_id == customer_id)
    return await session.scalar(query) or 0


async def group(session: ReadSession, customer_id: int, group_id: str) -> GroupRow | None:
    return await _one(session, customer_id, group_id, lock=False)


async def lock(session: WriteSession, customer_id: int, group_id: str) -> GroupRow | None:
    """Its members stay as they are until this transaction ends."""
    return await _one(session, customer_id, group_id, lock=True)


async def by_name(session: ReadSession, customer_id: int, name: str) -> GroupRow | None:
    query = select(*_COLUMNS).where(GROUP.c.customer_id == customer_id, GROUP.c.name == name)
    found = (await session.execute(query)).one_or_none()
    return None if found is None else GroupRow(*found)


async def insert_new(session: WriteSession, customer_id: int, row: GroupRow) -> bool:
    """False where the name is taken."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    values = {"customer_id": customer_id, **row._asdict()}
    done = await session.execute(dialect.insert(GROUP).values(values).on_conflict_do_nothing())
    return cast(CursorResult[Any], done).rowcount == 1


async def change(session: WriteSession, customer_id: int, group_id: str, **values: Any) -> None:
    statement = update(GROUP).where(GROUP.c.customer_id == customer_id, GROUP.c.id == group_id)
    await session.execute(statement.values(**values))


async def drop(session: WriteSession, customer_id: int, group_id: str) -> None:
    ours = (MEMBER.c.customer_id == customer_id, MEMBER.c.group_id == group_id)
    await session.execute(delete(MEMBER).where(*ours))
    await session.execute(
        delete(GROUP).where(GROUP.c.customer_id == customer_id, GROUP.c.id == group_id)
    )


async def count_members(session: ReadSession, group_id: str) -> int:
    query = select(func.count()).select_from(MEMBER).where(MEMBER.c.group_id == group_id)
    return await session.scalar(query) or 0


async def member_ids(session: ReadSession, group_id: str) -> set[str]:
    found = await session.scalars(select(MEMBER.c.device_id).where(MEMBER.c.group_id == group_id))
    return set(found)


async def add(
    session: WriteSession, customer_id: int, group_id: str, ids: Sequence[str], now_us: int
) -> None:
    values = [
        {
            "customer_id": customer_id,
            "group_id": group_id,
            "device_id": device_id,
            "added_at_us": now_us,
        }
        for device_id in ids
    ]
    await session.execute(insert(MEMBER), values)


async def remove(
    session: WriteSession, customer_id: int, group_id: str, ids: Sequence[str]
) -> None:
    await session.execute(
        delete(MEMBER).where(
            MEMBER.c.customer_id == customer_id,
            MEMBER.c.group_id == group_id,
            MEMBER.c.device_id.in_(ids),
        )
    )


async def leave_all(session: WriteSession, customer_id: int, device_id: str) -> None:
    await session.execute(
        delete(MEMBER).where(MEMBER.c.customer_id == customer_id, MEMBER.c.device_id == device_id)
    )


async def of_devices(
    session: ReadSession, customer_id: int, device_ids: Sequence[str]
) -> dict[str, list[GroupRow]]:
    """The groups of several devices in one statement, by name."""
    query = (
        select(MEMBER.c.device_id, *_COLUMNS)
        .join_from(MEMBER, GROUP, MEMBER.c.group_id == GROUP.c.id)
        .where(MEMBER.c.customer_id == customer_id, MEMBER.c.device_id.in_(device_ids))
        .order_by(GROUP.c.name)
    )
    found: dict[str, list[GroupRow]] = {device_id: [] for device_id in device_ids}
    for row in await session.execute(query):
        found[row[0]].append(GroupRow(*row[1:]))
    return found


async def memberships(
    session: ReadSession, customer_id: int, device_ids: Sequence[str]
) -> dict[str, set[str]]:
    """The ids of the groups of several devices; one in no group is missing."""
    query = select(MEMBER.c.device_id, MEMBER.c.group_id).where(
        MEMBER.c.customer_id == customer_id, MEMBER.c.device_id.in_(device_ids)
    )
    found: dict[str, set[str]] = {}
    for device_id, group_id in await session.execute(query):
        found.setdefault(device_id, set()).add(group_id)
    return found


async def members(
    session: ReadSession, customer_id: int, group_ids: Sequence[str]
) -> dict[str, list[DeviceRow]]:
    """The devices of several groups in one statement, by number."""
    query = (
        select(MEMBER.c.group_id, *DEVICE_COLUMNS)
        .join_from(MEMBER, DEVICE, MEMBER.c.device_id == DEVICE.c.id)
        .where(MEMBER.c.customer_id == customer_id, MEMBER.c.group_id.in_(group_ids))
        .order_by(DEVICE.c.number)
        .limit(MAX_GROUP * len(group_ids))
    )
    found: dict[str, list[DeviceRow]] = {group_id: [] for group_id in group_ids}
    for row in await session.execute(query):
        found[row[0]].append(DeviceRow(*row[1:]))
    return found


async def sizes(session: ReadSession, customer_id: int, group_ids: Sequence[str]) -> dict[str, int]:
    query = (
        select(MEMBER.c.group_id, func.count())
        .where(MEMBER.c.customer_id == customer_id, MEMBER.c.group_id.in_(group_ids))
        .group_by(MEMBER.c.group_id)
    )
    found: dict[str, int] = {row[0]: row[1] for row in await session.execute(query)}
    return {group_id: found.get(group_id, 0) for group_id in group_ids}


async def _one(
    session: ReadSession, customer_id: int, group_id: str, *, lock: bool
) -> GroupRow | None:
    if not is_id(group_id):
        return None
    query = select(*_COLUMNS).where(GROUP.c.customer_id == customer_id, GROUP.c.id == group_id)
    found = (await session.execute(query.with_for_update() if lock else query)).one_or_none()
    return None if found is None else GroupRow(*found)

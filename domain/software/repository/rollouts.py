"""Statements on rollouts and their groups."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, func, insert, select, update

from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.software.commands import RolloutFilter
from domain.software.models import Rollout, RolloutGroup, RolloutState, RolloutTarget, TargetState
from domain.software.rows import (
    ActiveRollout,
    GroupProgress,
    GroupRow,
    RolloutProgress,
    RolloutRow,
)
from domain.software.rules.states import ACTIVE

ROLLOUT = table_of(Rollout)
GROUP = table_of(RolloutGroup)
_TARGET = table_of(RolloutTarget)
_COLUMNS = tuple(ROLLOUT.c[name] for name in RolloutRow._fields)
_GROUP_COLUMNS = tuple(GROUP.c[name] for name in GroupRow._fields)


async def page(
    session: ReadSession, customer_id: int, wanted: RolloutFilter, window: PageRequest
) -> Page[RolloutRow]:
    query = select(*_COLUMNS).where(_matching(customer_id, wanted))
    return await fetch_page(session, query, ROLLOUT.c.id, window, RolloutRow)


async def count(session: ReadSession, customer_id: int, wanted: RolloutFilter) -> int:
    query = select(func.count()).select_from(ROLLOUT).where(_matching(customer_id, wanted))
    return await session.scalar(query) or 0


async def by_ids(
    session: ReadSession, customer_id: int, ids: Sequence[str]
) -> dict[str, RolloutRow]:
    query = select(*_COLUMNS).where(ROLLOUT.c.customer_id == customer_id, ROLLOUT.c.id.in_(ids))
    return {row[0]: RolloutRow(*row) for row in await session.execute(query)}


async def lock(session: WriteSession, customer_id: int, rollout_id: str) -> RolloutRow | None:
    """The row, held to the end of the transaction together with all that hangs on it."""
    query = select(*_COLUMNS).where(
        ROLLOUT.c.customer_id == customer_id, ROLLOUT.c.id == rollout_id
    )
    found = (await session.execute(query.with_for_update())).one_or_none()
    return None if found is None else RolloutRow(*found)


async def active(session: ReadSession) -> list[ActiveRollout]:
    """Of every customer, oldest first."""
    query = (
        select(ROLLOUT.c.customer_id, ROLLOUT.c.id)
        .where(ROLLOUT.c.state.in_(ACTIVE))
        .order_by(ROLLOUT.c.id)
    )
    return [ActiveRollout(*row) for row in await session.execute(query)]


async def insert_rollout(session: WriteSession, customer_id: int, row: RolloutRow) -> None:
    await session.execute(insert(ROLLOUT).values(customer_id=customer_id, **row._asdict()))


async def insert_groups(session: WriteSession, customer_id: int, rows: Iterable[GroupRow]) -> None:
    values = [{"customer_id": customer_id, **row._asdict()} for row in rows]
    await session.execute(insert(GROUP), values)


async def change(
    session: WriteSession, customer_id: int, rollout_id: str, expected: RolloutState, **values: Any
) -> bool:
    """Changes one that is still `expected`; False when another transaction was first."""
    changed = await session.execute(
        update(ROLLOUT)
        .where(
            ROLLOUT.c.customer_id == customer_id,
            ROLLOUT.c.id == rollout_id,
            ROLLOUT.c.state == expected,
        )
        .values(**values)
    )
    return cast(CursorResult[Any], changed).rowcount == 1


async def change_group(
    session: WriteSession, customer_id: int, group: GroupRow, **values: Any
) -> bool:
    """Changes one that is still in the state that `group` was read in."""
    changed = await session.execute(
        update(GROUP)
        .where(
            GROUP.c.customer_id == customer_id,
            GROUP.c.id == group.id,
            GROUP.c.state == group.state,
        )
        .values(**values)
    )
    return cast(CursorResult[Any], changed).rowcount == 1


async def progress(
    session: ReadSession, customer_id: int, rollouts: Sequence[RolloutRow]
) -> dict[str, RolloutProgress]:
    """By id: groups by position, with their counts, in two statements however many there are."""
    ids = [one.id for one in rollouts]
    groups = await groups_of(session, customer_id, ids)
    counts = await _counts(session, customer_id, ids)
    return {
        one.id: RolloutProgress(
            one, tuple(GroupProgress(group, counts.get(group.id, {})) for group in groups[one.id])
        )
        for one in rollouts
    }


async def groups_of(
    session: ReadSession, customer_id: int, rollout_ids: Sequence[str]
) -> dict[str, list[GroupRow]]:
    query = (
        select(*_GROUP_COLUMNS)
        .where(GROUP.c.customer_id == customer_id, GROUP.c.rollout_id.in_(rollout_ids))
        .order_by(GROUP.c.rollout_id, GROUP.c.position)
    )
    found: dict[str, list[GroupRow]] = {rollout_id: [] for rollout_id in rollout_ids}
    for row in await session.execute(query):
        group = GroupRow(*row)
        found[group.rollout_id].append(group)
    return found


async def find_group(session: ReadSession, customer_id: int, group_id: str) -> GroupProgress | None:
    owned = GROUP.c.customer_id == customer_id, GROUP.c.id == group_id
    if (await session.execute(select(GROUP.c.id).where(*owned))).one_or_none() is None:
        return None
    return await group_progress(session, customer_id, group_id)


async def group_progress(session: ReadSession, customer_id: int, group_id: str) -> GroupProgress:
    query = select(*_GROUP_COLUMNS).where(
        GROUP.c.customer_id == customer_id, GROUP.c.id == group_id
    )
    group = GroupRow(*(await session.execute(query)).one())
    counts = (
        select(_TARGET.c.state, func.count())
        .where(_TARGET.c.group_id == group_id)
        .group_by(_TARGET.c.state)
    )
    found = await session.execute(counts.order_by(_TARGET.c.state))
    return GroupProgress(group, {TargetState(state): number for state, number in found})


async def _counts(
    session: ReadSession, customer_id: int, rollout_ids: Sequence[str]
) -> dict[str, dict[TargetState, int]]:
    query = (
        select(_TARGET.c.group_id, _TARGET.c.state, func.count())
        .where(_TARGET.c.customer_id == customer_id, _TARGET.c.rollout_id.in_(rollout_ids))
        .group_by(_TARGET.c.group_id, _TARGET.c.state)
        .order_by(_TARGET.c.group_id, _TARGET.c.state)
    )
    found: dict[str, dict[TargetState, int]] = {}
    for group_id, state, number in await session.execute(query):
        found.setdefault(group_id, {})[TargetState(state)] = number
    return found


def _matching(customer_id: int, wanted: RolloutFilter) -> ColumnElement[bool]:
    parts = [ROLLOUT.c.customer_id == customer_id]
    for name in ("kind", "state", "release_id"):
        value = getattr(wanted, name)
        if value is not None:
            parts.append(ROLLOUT.c[name] == value)
    if wanted.device_id is not None:
        targets = select(_TARGET.c.rollout_id).where(
            _TARGET.c.customer_id == customer_id, _TARGET.c.device_id == wanted.device_id
        )
        parts.append(ROLLOUT.c.id.in_(targets))
    return and_(*parts)

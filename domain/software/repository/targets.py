"""Statements on the devices of rollouts and on what they reported."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, and_, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.kernel.columns import table_of
from domain.kernel.database import ReadSession, WriteSession
from domain.kernel.paging import Page, PageRequest, fetch_page
from domain.kernel.retention import Trimmed, remove_oldest
from domain.software.models import (
    IN_FLIGHT,
    GroupState,
    Rollout,
    RolloutGroup,
    RolloutStep,
    RolloutTarget,
    TargetState,
)
from domain.software.rows import StepRow, TargetRow
from domain.software.rules.states import ENDED

TARGET = table_of(RolloutTarget)
STEP = table_of(RolloutStep)
_GROUP = table_of(RolloutGroup)
_ROLLOUT = table_of(Rollout)
_COLUMNS = tuple(TARGET.c[name] for name in TargetRow._fields)
_STEP_COLUMNS = tuple(STEP.c[name] for name in StepRow._fields)


async def insert_targets(
    session: WriteSession, customer_id: int, rows: Iterable[TargetRow]
) -> None:
    values = [{"customer_id": customer_id, **row._asdict()} for row in rows]
    if values:
        await session.execute(insert(TARGET), values)


async def target(session: ReadSession, customer_id: int, target_id: str) -> TargetRow | None:
    query = select(*_COLUMNS).where(TARGET.c.customer_id == customer_id, TARGET.c.id == target_id)
    found = (await session.execute(query)).one_or_none()
    return None if found is None else TargetRow(*found)


async def page(
    session: ReadSession,
    customer_id: int,
    group_id: str,
    state: TargetState | None,
    window: PageRequest,
) -> Page[TargetRow]:
    query = select(*_COLUMNS).where(
        TARGET.c.customer_id == customer_id, TARGET.c.group_id == group_id
    )
    if state is not None:
        query = query.where(TARGET.c.state == state)
    return await fetch_page(session, query, TARGET.c.id, window, TargetRow)


async def of_rollouts(
    session: ReadSession,
    customer_id: int,
    rollout_ids: Sequence[str],
    device_id: str | None,
    limit: int,
) -> dict[str, list[TargetRow]]:
    """Of several rollouts in one statement, in order, at most `limit` of each; of one device where
    one is named."""
    ours = [TARGET.c.customer_id == customer_id, TARGET.c.rollout_id.in_(rollout_ids)]
    if device_id is not None:
        ours.append(TARGET.c.device_id == device_id)
    place = func.row_number().over(partition_by=TARGET.c.rollout_id, order_by=TARGET.c.id)
    ranked = select(*_COLUMNS, place.label("place")).where(*ours).subquery()
    wanted = [ranked.c[name] for name in TargetRow._fields]
    query = select(*wanted).where(ranked.c.place <= limit).order_by(ranked.c.id)
    found: dict[str, list[TargetRow]] = {rollout_id: [] for rollout_id in rollout_ids}
    for row in await session.execute(query):
        one = TargetRow(*row)
        found[one.rollout_id].append(one)
    return found


async def change(
    session: WriteSession, customer_id: int, one: TargetRow, **values: Any
) -> TargetRow | None:
    """As it became, if it still was in the state and attempt that `one` was read in."""
    changed = await session.execute(
        update(TARGET)
        .where(
            TARGET.c.customer_id == customer_id,
            TARGET.c.id == one.id,
            TARGET.c.state == one.state,
            TARGET.c.attempt == one.attempt,
        )
        .values(**values)
    )
    done = cast(CursorResult[Any], changed).rowcount == 1
    return one._replace(**values) if done else None


async def of_group(
    session: ReadSession,
    customer_id: int,
    group_id: str,
    states: Sequence[TargetState],
) -> list[TargetRow]:
    query = select(*_COLUMNS).where(
        TARGET.c.customer_id == customer_id,
        TARGET.c.group_id == group_id,
        TARGET.c.state.in_(states),
    )
    return [TargetRow(*row) for row in await session.execute(query.order_by(TARGET.c.id))]


async def in_states(
    session: ReadSession,
    customer_id: int,
    rollout_id: str,
    states: Sequence[TargetState],
) -> list[TargetRow]:
    query = select(*_COLUMNS).where(
        TARGET.c.customer_id == customer_id,
        TARGET.c.rollout_id == rollout_id,
        TARGET.c.state.in_(states),
    )
    return [TargetRow(*row) for row in await session.execute(query.order_by(TARGET.c.id))]


async def due(
    session: ReadSession, customer_id: int, rollout_id: str, now_us: int, limit: int
) -> list[TargetRow]:
    """Of running groups, those whose moment has come and whose device is not busy with another
    rollout's update; the longest waiting first."""
    other = TARGET.alias("other")
    busy = (
        select(other.c.id)
        .where(
            other.c.customer_id == TARGET.c.customer_id,
            other.c.device_id == TARGET.c.device_id,
            other.c.state.in_(IN_FLIGHT),
        )
        .exists()
    )
    query = (
        select(*_COLUMNS)
        .join(_GROUP, TARGET.c.group_id == _GROUP.c.id)
        .where(
            TARGET.c.customer_id == customer_id,
            TARGET.c.rollout_id == rollout_id,
            _GROUP.c.state == GroupState.RUNNING,
            TARGET.c.state == TargetState.SCHEDULED,
            TARGET.c.not_before_us <= now_us,
            ~busy,
        )
        .order_by(TARGET.c.not_before_us, TARGET.c.id)
        .limit(limit)
    )
    return [TargetRow(*row) for row in await session.execute(query)]


async def overdue(
    session: ReadSession, customer_id: int, rollout_id: str, now_us: int, limit: int
) -> list[TargetRow]:
    query = select(*_COLUMNS).where(
        and_(
            TARGET.c.customer_id == customer_id,
            TARGET.c.rollout_id == rollout_id,
            TARGET.c.state.in_(IN_FLIGHT),
            TARGET.c.deadline_at_us <= now_us,
        )
    )
    rows = await session.execute(query.order_by(TARGET.c.id).limit(limit))
    return [TargetRow(*row) for row in rows]


async def insert_step(session: WriteSession, customer_id: int, row: StepRow) -> bool:
    """False where the report was stored before."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    made = await session.execute(
        dialect.insert(STEP)
        .values(customer_id=customer_id, **row._asdict())
        .on_conflict_do_nothing(index_elements=["target_id", "report_key"])
    )
    return cast(CursorResult[Any], made).rowcount == 1


async def steps_of(
    session: ReadSession, customer_id: int, target_ids: Sequence[str]
) -> dict[str, list[StepRow]]:
    query = (
        select(*_STEP_COLUMNS)
        .where(STEP.c.customer_id == customer_id, STEP.c.target_id.in_(target_ids))
        .order_by(STEP.c.target_id, STEP.c.id)
    )
    found: dict[str, list[StepRow]] = {target_id: [] for target_id in target_ids}
    for row in await session.execute(query):
        step = StepRow(*row)
        found[step.target_id].append(step)
    return found


async def schedule_group(
    session: WriteSession, customer_id: int, group_id: str, now_us: int
) -> None:
    """From now on each is due after its jitter."""
    await session.execute(
        update(TARGET)
        .where(
            TARGET.c.customer_id == customer_id,
            TARGET.c.group_id == group_id,
            TARGET.c.state == TargetState.WAITING,
        )
        .values(
            state=TargetState.SCHEDULED,
            not_before_us=TARGET.c.not_before_us + now_us,
            updated_at_us=now_us,
        )
    )


async def cancel_unsent(
    session: WriteSession, customer_id: int, rollout_id: str, now_us: int
) -> None:
    await session.execute(
        update(TARGET)
        .where(
            TARGET.c.customer_id == customer_id,
            TARGET.c.rollout_id == rollout_id,
            TARGET.c.state.in_((TargetState.WAITING, TargetState.SCHEDULED)),
        )
        .values(state=TargetState.CANCELLED, updated_at_us=now_us)
    )


async def trim_steps(session: WriteSession, before_us: int, limit: int) -> Trimmed:
    """Of rollouts that are over; what became of a device stays in its target."""
    running = exists().where(
        TARGET.c.id == STEP.c.target_id,
        _ROLLOUT.c.id == TARGET.c.rollout_id,
        _ROLLOUT.c.state.not_in(ENDED),
    )
    return await remove_oldest(session, STEP, before_us, limit, ~running)

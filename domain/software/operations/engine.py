"""What drives a rollout: one step a unit of work, decided by `rules.decisions`, until none is left.

Any number of processes may do this at once. A step begins with the lock on the rollout's row and
looks anew; every change names the state that it expects. Who comes second finds nothing to do.
"""

from typing import Final

from domain.journal.models import Severity
from domain.kernel.database import ReadSession
from domain.kernel.errors import Conflict, NotFound, RateLimited
from domain.kernel.uow import UnitOfWork
from domain.software.models import IN_FLIGHT, GroupState, RolloutState, TargetState
from domain.software.operations import rollouts as operations
from domain.software.operations import targets as target_operations
from domain.software.operations.notes import note
from domain.software.operations.planning import is_sendable, routes_to
from domain.software.ports import DeviceDirectory
from domain.software.repository import releases, rollouts, targets
from domain.software.rows import GroupProgress, RolloutProgress, RolloutRow, TargetRow
from domain.software.rules.decisions import (
    Act,
    GroupView,
    RolloutView,
    Step,
    next_step,
    reject_obstacle,
)
from domain.software.rules.states import ERRORS, TERMINAL
from domain.software.rules.windows import Window

CHUNK: Final = 100
BUSY_US: Final = 60_000_000
METRIC_WINDOW_US: Final = 15 * 60 * 1_000_000


async def advance(work: UnitOfWork, rollout_id: str, devices: DeviceDirectory) -> bool:
    """Takes the next step of a rollout, if there is one now."""
    rollout = await rollouts.lock(work.session, work.customer_id, rollout_id)
    if rollout is None:
        return False
    session, customer_id = work.session, work.customer_id
    found = (await rollouts.progress(session, customer_id, [rollout]))[rollout.id]
    step = next_step(await view_of(session, customer_id, found, work.now_us, devices))
    if step is None:
        return False
    await _take(work, found, step, devices)
    return True


async def peek(
    session: ReadSession, customer_id: int, rollout_id: str, now_us: int, devices: DeviceDirectory
) -> Step | None:
    """What `advance` would do, without the writer's turn."""
    rows = await rollouts.by_ids(session, customer_id, [rollout_id])
    if rollout_id not in rows:
        return None
    found = await rollouts.progress(session, customer_id, [rows[rollout_id]])
    return next_step(await view_of(session, customer_id, found[rollout_id], now_us, devices))


async def view_of(
    session: ReadSession,
    customer_id: int,
    found: RolloutProgress,
    now_us: int,
    devices: DeviceDirectory,
) -> RolloutView:
    rollout, groups = found.rollout, tuple(_group_view(one) for one in found.groups)
    is_running = rollout.state is RolloutState.RUNNING
    due = is_running and await targets.due(session, customer_id, rollout.id, now_us, 1)
    return RolloutView(
        state=rollout.state,
        groups=groups,
        is_time=rollout.start_at_us is not None and rollout.start_at_us <= now_us,
        is_window_open=_is_window_open(rollout, now_us),
        due=bool(due),
        overdue=bool(await targets.overdue(session, customer_id, rollout.id, now_us, 1)),
        in_flight=any(_count(one, IN_FLIGHT) for one in found.groups),
        obstacle=await _obstacle(session, customer_id, rollout, now_us, devices),
    )


async def _take(
    work: UnitOfWork, found: RolloutProgress, step: Step, devices: DeviceDirectory
) -> None:
    rollout = found.rollout
    groups = {one.group.id: one.group for one in found.groups}
    group = groups[step.group_id] if step.group_id else None
    if step.act is Act.DISPATCH:
        await _dispatch(work, rollout, devices)
    elif step.act is Act.EXPIRE:
        await _expire(work, rollout, devices)
    elif step.act is Act.HALT:
        await _halt(work, found, step)
    elif step.act is Act.START_GROUP and group is not None:
        await operations.start_group(work, group)
        await operations.changed(work, rollout)
    elif step.act is Act.FINISH_GROUP and group is not None:
        finished = {"state": GroupState.FINISHED, "finished_at_us": work.now_us}
        await operations.change_group(work, group, **finished)
        await operations.changed(work, rollout)
    else:
        await _become(work, found, step.act)


async def _become(work: UnitOfWork, found: RolloutProgress, act: Act) -> None:
    rollout = found.rollout
    if act is Act.START:
        await operations.change(work, rollout, state=RolloutState.STARTING)
        return
    if act is Act.BEGIN:
        await operations.start_group(work, found.groups[0].group)
        values = {"state": RolloutState.RUNNING, "started_at_us": work.now_us}
    else:
        ended = RolloutState.FINISHED if act is Act.FINISH else RolloutState.STOPPED
        values = {"state": ended, "finished_at_us": work.now_us}
    await operations.change(work, rollout, **values)
    await note(work, rollout, Severity.INFO, f"Rollout {values['state']}")


async def _halt(work: UnitOfWork, found: RolloutProgress, step: Step) -> None:
    """Nothing more is sent until a person resumes it or retries what failed."""
    for one in found.groups:
        if one.group.id == step.group_id:
            await operations.change_group(work, one.group, state=GroupState.HALTED)
    values = {"state": RolloutState.PAUSED, "halt_reason": step.reason}
    await operations.change(work, found.rollout, **values)
    halted = found.rollout._replace(halt_reason=step.reason)
    await note(work, halted, Severity.ERROR, f"Rollout halted, {step.reason}")


async def _dispatch(work: UnitOfWork, rollout: RolloutRow, devices: DeviceDirectory) -> None:
    session, customer_id = work.session, work.customer_id
    due = _by_device(await targets.due(session, customer_id, rollout.id, work.now_us, CHUNK))
    found = await releases.releases_by_ids(session, customer_id, [rollout.release_id])
    routes = await routes_to(session, customer_id, found[rollout.release_id])
    states = await devices.states(
        session, customer_id, rollout.application, [one.device_id for one in due]
    )
    changed: list[TargetRow] = []
    for one in due:
        state = states.get(one.device_id)
        if state is None:
            changed.append(await _give_up(work, rollout, one, target_operations.DEVICE_GONE))
            continue
        # What the device told us last may be older than what it just reported installed.
        hops = routes.from_version(one.installed_version or state.version)
        if hops is None:
            changed.append(await _give_up(work, rollout, one, target_operations.NO_PATH))
        elif not hops:
            changed.append(await target_operations.succeed(work, one, rollout.version))
        else:
            changed.append(await _send(work, rollout, one, hops[0].version, devices))
    await target_operations.record_all(work, rollout, changed)


def _by_device(found: list[TargetRow]) -> list[TargetRow]:
    """The fleet locks devices: two rollouts take them in one order, or they would deadlock."""
    return sorted(found, key=lambda one: one.device_id)


async def _send(
    work: UnitOfWork, rollout: RolloutRow, one: TargetRow, version: str, devices: DeviceDirectory
) -> TargetRow:
    release = await releases.release_by_version(
        work.session, work.customer_id, rollout.application, version
    )
    if release is None:
        return await _give_up(work, rollout, one, target_operations.NO_PATH)
    try:
        return await target_operations.dispatch(work, rollout, one, release, devices)
    except NotFound:
        return await _give_up(work, rollout, one, target_operations.DEVICE_GONE)
    except (Conflict, RateLimited) as error:
        # One device's full queue must not keep the others waiting.
        return await target_operations.put_off(work, one, error.message, BUSY_US)


async def _give_up(work: UnitOfWork, rollout: RolloutRow, one: TargetRow, error: str) -> TargetRow:
    return await target_operations.fail(
        work, rollout, one, TargetState.FAILED, error, may_retry=False
    )


async def _expire(work: UnitOfWork, rollout: RolloutRow, devices: DeviceDirectory) -> None:
    session, customer_id = work.session, work.customer_id
    overdue = _by_device(
        await targets.overdue(session, customer_id, rollout.id, work.now_us, CHUNK)
    )
    changed = [await target_operations.expire(work, rollout, one, devices) for one in overdue]
    await target_operations.record_all(work, rollout, changed)


async def _obstacle(
    session: ReadSession,
    customer_id: int,
    rollout: RolloutRow,
    now_us: int,
    devices: DeviceDirectory,
) -> str | None:
    if rollout.state is not RolloutState.RUNNING:
        return None
    found = await releases.releases_by_ids(session, customer_id, [rollout.release_id])
    if rollout.release_id not in found or not is_sendable(found[rollout.release_id]):
        return "the release is not published any more"
    if rollout.reject_rate_percent is None or rollout.line_id is None:
        return None
    since_us = max(
        rollout.started_at_us or 0, rollout.resumed_at_us or 0, now_us - METRIC_WINDOW_US
    )
    rate = await devices.reject_rate(session, customer_id, rollout.line_id, since_us)
    return reject_obstacle(rate.rejected, rate.total, rollout.reject_rate_percent, rollout.line_id)


def _is_window_open(rollout: RolloutRow, now_us: int) -> bool:
    if rollout.window_from_min is None or rollout.window_to_min is None:
        return True
    window = Window(rollout.window_from_min, rollout.window_to_min, rollout.time_zone)
    return window.is_open(now_us)


def _group_view(one: GroupProgress) -> GroupView:
    return GroupView(
        id=one.group.id,
        state=one.group.state,
        total=one.total,
        succeeded=_count(one, (TargetState.SUCCEEDED,)),
        errors=_count(one, ERRORS),
        open=one.total - _count(one, TERMINAL),
        success_percent=one.group.success_percent,
        error_percent=one.group.error_percent,
        accepted_errors=one.group.accepted_errors,
    )


def _count(one: GroupProgress, states: tuple[TargetState, ...]) -> int:
    return sum(one.counts.get(state, 0) for state in states)

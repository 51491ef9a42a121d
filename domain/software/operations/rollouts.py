"""What people do with rollouts. The engine does the rest, see `engine.py`."""

from collections.abc import Iterable
from typing import Any

from domain.journal.models import Severity
from domain.kernel.errors import Conflict, Forbidden, NotFound, ValidationFailed
from domain.kernel.ids import is_id, new_id
from domain.kernel.transitions import require_edge
from domain.kernel.uow import UnitOfWork
from domain.software import events
from domain.software.commands import CreateRollout, Deploy
from domain.software.models import GroupState, RolloutKind, RolloutState, TargetState
from domain.software.operations.notes import note
from domain.software.operations.planning import RolloutPlan, plan_rollout
from domain.software.operations.releases import require_release
from domain.software.ports import DeviceDirectory
from domain.software.repository import releases, rollouts, targets
from domain.software.rows import GroupProgress, GroupRow, RolloutProgress, RolloutRow, TargetRow
from domain.software.rules.grouping import jitter_us
from domain.software.rules.states import ERRORS, ROLLOUT_EDGES
from domain.software.rules.windows import parse_minute, require_zone


async def create_rollout(
    work: UnitOfWork, command: CreateRollout, devices: DeviceDirectory
) -> RolloutProgress:
    """Groups are frozen here. Raises ValidationFailed where devices would be left over."""
    release = await require_release(work, command.release_id)
    await releases.lock_release(work.session, work.customer_id, release.id)
    release = await require_release(work, command.release_id)
    plan = await plan_rollout(work.session, work.customer_id, release, command, devices)
    if plan.grouped.unassigned:
        left = len(plan.grouped.unassigned)
        raise ValidationFailed("groups", f"{left} devices would be in no group", unassigned=left)
    rollout = _rollout(work, command, plan)
    await rollouts.insert_rollout(work.session, work.customer_id, rollout)
    await _freeze(work, rollout, plan)
    return await _open(work, rollout)


async def deploy(work: UnitOfWork, command: Deploy, devices: DeviceDirectory) -> RolloutProgress:
    """A rollout of one group that starts at once and never halts by itself."""
    release = await require_release(work, command.release_id)
    wanted = CreateRollout.of(
        release_id=command.release_id,
        name=f"Deployment of {release.application} {release.version}",
        kind=RolloutKind.DEPLOYMENT,
        device_ids=command.device_ids,
        device_group_ids=() if command.group_id is None else (command.group_id,),
        success_percent=0,
        error_percent=100,
        deadline_s=command.deadline_s,
    )
    return await create_rollout(work, wanted, devices)


async def approve(work: UnitOfWork, rollout_id: str) -> RolloutProgress:
    """Forbidden for who created it: four eyes."""
    before = await require_rollout(work, rollout_id)
    if not require_edge(ROLLOUT_EDGES, before.state, RolloutState.READY, "rollout"):
        return await progress_of(work, before)
    if work.actor.id == before.created_by_id:
        raise Forbidden("A rollout is approved by another user than its creator")
    return await change(
        work,
        before,
        state=RolloutState.READY,
        approved_by=work.actor.name,
        approved_at_us=work.now_us,
    )


async def start(work: UnitOfWork, rollout_id: str) -> RolloutProgress:
    """Now, whatever its start time."""
    return await _become(work, rollout_id, RolloutState.STARTING)


async def pause(work: UnitOfWork, rollout_id: str) -> RolloutProgress:
    """Nothing more is sent; devices that were sent the release go on."""
    return await _become(work, rollout_id, RolloutState.PAUSED)


async def resume(work: UnitOfWork, rollout_id: str) -> RolloutProgress:
    """Takes the failures of a halted group as accepted: it halts again with one more."""
    before = await require_rollout(work, rollout_id)
    if not require_edge(ROLLOUT_EDGES, before.state, RolloutState.RUNNING, "rollout"):
        return await progress_of(work, before)
    if before.state is not RolloutState.PAUSED:
        raise Conflict("Only a paused rollout is resumed", current=before.state.value)
    for one in (await progress_of(work, before)).groups:
        if one.group.state is GroupState.HALTED:
            accepted = sum(one.counts.get(state, 0) for state in ERRORS)
            await change_group(work, one.group, state=GroupState.RUNNING, accepted_errors=accepted)
    return await change(
        work, before, state=RolloutState.RUNNING, resumed_at_us=work.now_us, halt_reason=None
    )


async def cancel(work: UnitOfWork, rollout_id: str, devices: DeviceDirectory) -> RolloutProgress:
    """Ends it: what was not sent never will be, what waits for its device is withdrawn, what is
    on its way is waited for."""
    before = await require_rollout(work, rollout_id)
    if not require_edge(ROLLOUT_EDGES, before.state, RolloutState.STOPPING, "rollout"):
        return await progress_of(work, before)
    await targets.cancel_unsent(work.session, work.customer_id, before.id, work.now_us)
    await _withdraw(work, before, devices)
    await note(work, before, Severity.INFO, f"Rollout {RolloutState.STOPPING.value}")
    return await change(work, before, state=RolloutState.STOPPING)


async def trigger_next_group(work: UnitOfWork, rollout_id: str) -> RolloutProgress:
    """The next waiting group goes, whatever the one before has come to."""
    rollout = await require_rollout(work, rollout_id)
    if rollout.state is not RolloutState.RUNNING:
        raise Conflict("Only a running rollout has a next group", current=rollout.state.value)
    found = await progress_of(work, rollout)
    waiting = next((one for one in found.groups if one.group.state is GroupState.WAITING), None)
    if waiting is None:
        raise Conflict("All groups of the rollout were started")
    await start_group(work, waiting.group)
    return await changed(work, rollout)


async def retry(work: UnitOfWork, rollout_id: str) -> RolloutProgress:
    """Every device that failed gets another attempt; a finished or halted rollout runs again."""
    before = await require_rollout(work, rollout_id)
    require_edge(ROLLOUT_EDGES, before.state, RolloutState.RUNNING, "rollout")
    retried = 0
    for one in (await progress_of(work, before)).groups:
        retried += await _retry_group(work, before, one)
    if not retried:
        raise Conflict("No device of the rollout failed")
    return await change(
        work,
        before,
        state=RolloutState.RUNNING,
        resumed_at_us=work.now_us,
        finished_at_us=None,
        halt_reason=None,
    )


async def start_group(work: UnitOfWork, group: GroupRow) -> None:
    """Its devices become due, each after its jitter."""
    await change_group(work, group, state=GroupState.RUNNING, started_at_us=work.now_us)
    await targets.schedule_group(work.session, work.customer_id, group.id, work.now_us)


async def change_group(work: UnitOfWork, group: GroupRow, **values: Any) -> None:
    if not await rollouts.change_group(work.session, work.customer_id, group, **values):
        raise Conflict("The group was changed meanwhile")


async def require_rollout(work: UnitOfWork, rollout_id: str) -> RolloutRow:
    """Locked to the end of the unit of work."""
    found = None
    if is_id(rollout_id):
        found = await rollouts.lock(work.session, work.customer_id, rollout_id)
    if found is None:
        raise NotFound("Rollout", rollout_id)
    return found


async def progress_of(work: UnitOfWork, rollout: RolloutRow) -> RolloutProgress:
    return (await rollouts.progress(work.session, work.customer_id, [rollout]))[rollout.id]


async def change(work: UnitOfWork, before: RolloutRow, **values: Any) -> RolloutProgress:
    """Refused if the rollout's state is no longer what it was when it was read."""
    done = await rollouts.change(work.session, work.customer_id, before.id, before.state, **values)
    if not done:
        raise Conflict("The rollout was changed meanwhile")
    return await changed(work, before._replace(**values), before)


async def changed(
    work: UnitOfWork, rollout: RolloutRow, before: RolloutRow | None = None
) -> RolloutProgress:
    found = await progress_of(work, rollout)
    events.record_rollout(work, events.ROLLOUT_CHANGED, found, before)
    return found


async def _become(work: UnitOfWork, rollout_id: str, wanted: RolloutState) -> RolloutProgress:
    before = await require_rollout(work, rollout_id)
    if not require_edge(ROLLOUT_EDGES, before.state, wanted, "rollout"):
        return await progress_of(work, before)
    await note(work, before, Severity.INFO, f"Rollout {wanted.value}")
    return await change(work, before, state=wanted)


async def _withdraw(work: UnitOfWork, rollout: RolloutRow, devices: DeviceDirectory) -> None:
    session, customer_id = work.session, work.customer_id
    sent = await targets.in_states(session, customer_id, rollout.id, (TargetState.DISPATCHED,))
    for one in sorted(sent, key=lambda one: one.device_id):  # as the engine does
        if one.command_id and await devices.cancel_update(work, one.device_id, one.command_id):
            cancelled = {"state": TargetState.CANCELLED, "updated_at_us": work.now_us}
            await targets.change(session, customer_id, one, **cancelled)


def _rollout(work: UnitOfWork, command: CreateRollout, plan: RolloutPlan) -> RolloutRow:
    return RolloutRow(
        id=new_id(),
        name=command.name,
        kind=command.kind,
        release_id=plan.release.id,
        application=plan.release.application,
        version=plan.release.version,
        state=RolloutState.CREATING,
        created_by=work.actor.name,
        created_by_id=work.actor.id,
        created_at_us=work.now_us,
        approval_required=command.approval_required,
        approved_by=None,
        approved_at_us=None,
        start_at_us=command.start_at_us,
        started_at_us=None,
        resumed_at_us=None,
        finished_at_us=None,
        window_from_min=_minute(command.window_from, "windowFrom"),
        window_to_min=_minute(command.window_to, "windowTo"),
        time_zone=require_zone(command.time_zone),
        deadline_s=command.deadline_s,
        jitter_s=command.jitter_s,
        max_attempts=command.max_attempts,
        reject_rate_percent=command.reject_rate_percent,
        line_id=command.line_id,
        halt_reason=None,
    )


def _minute(text: str | None, field: str) -> int | None:
    return None if text is None else parse_minute(text, field)


async def _freeze(work: UnitOfWork, rollout: RolloutRow, plan: RolloutPlan) -> None:
    groups = [
        GroupRow(
            id=new_id(),
            rollout_id=rollout.id,
            position=position,
            name=one.name,
            state=GroupState.WAITING,
            success_percent=one.success_percent,
            error_percent=one.error_percent,
            accepted_errors=0,
            started_at_us=None,
            finished_at_us=None,
        )
        for position, one in enumerate(plan.plans)
    ]
    await rollouts.insert_groups(work.session, work.customer_id, groups)
    for group, members in zip(groups, plan.grouped.groups, strict=True):
        rows = _targets(work, rollout, group, members)
        await targets.insert_targets(work.session, work.customer_id, rows)


def _targets(
    work: UnitOfWork, rollout: RolloutRow, group: GroupRow, members: Iterable[str]
) -> list[TargetRow]:
    return [
        TargetRow(
            id=new_id(),
            rollout_id=rollout.id,
            group_id=group.id,
            device_id=device_id,
            state=TargetState.WAITING,
            attempt=1,
            hop=0,
            not_before_us=jitter_us(rollout.jitter_s, rollout.id, device_id),
            deadline_at_us=None,
            release_id=None,
            installed_version=None,
            command_id=None,
            error=None,
            updated_at_us=work.now_us,
        )
        for device_id in members
    ]


async def _open(work: UnitOfWork, rollout: RolloutRow) -> RolloutProgress:
    """Out of CREATING, within the transaction that made it."""
    wanted = RolloutState.READY
    if rollout.approval_required:
        wanted = RolloutState.WAITING_FOR_APPROVAL
    elif rollout.kind is RolloutKind.DEPLOYMENT:
        wanted = RolloutState.STARTING
    await rollouts.change(work.session, work.customer_id, rollout.id, rollout.state, state=wanted)
    found = await progress_of(work, rollout._replace(state=wanted))
    events.record_rollout(work, events.ROLLOUT_CREATED, found)
    return found


async def _retry_group(work: UnitOfWork, rollout: RolloutRow, one: GroupProgress) -> int:
    failed = await targets.of_group(work.session, work.customer_id, one.group.id, ERRORS)
    for target in failed:
        await targets.change(
            work.session,
            work.customer_id,
            target,
            **next_attempt(rollout, target, work.now_us),
        )
    if failed:
        await change_group(
            work, one.group, state=GroupState.RUNNING, accepted_errors=0, finished_at_us=None
        )
    return len(failed)


def next_attempt(rollout: RolloutRow, target: TargetRow, now_us: int) -> dict[str, Any]:
    """What a target becomes for another try; its jitter is another too."""
    attempt = target.attempt + 1
    wait_us = jitter_us(rollout.jitter_s, rollout.id, target.device_id, str(attempt))
    return {
        "state": TargetState.SCHEDULED,
        "attempt": attempt,
        "not_before_us": now_us + wait_us,
        "deadline_at_us": None,
        "release_id": None,
        "command_id": None,
        "updated_at_us": now_us,
    }

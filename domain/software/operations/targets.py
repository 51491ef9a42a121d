"""One device's update: what is sent to it, what it reports, how it ends."""

from domain.kernel.actor import ActorKind
from domain.kernel.errors import Conflict, NotFound, ValidationFailed
from domain.kernel.ids import is_id, new_id
from domain.kernel.uow import UnitOfWork
from domain.software import events
from domain.software.commands import ReportUpdate
from domain.software.models import IN_FLIGHT, RolloutState, TargetState
from domain.software.operations.rollouts import next_attempt, require_rollout
from domain.software.ports import DeviceDirectory, UpdateOrder
from domain.software.repository import installed, releases, rollouts, targets
from domain.software.rows import InstalledRow, ReleaseRow, RolloutRow, StepRow, TargetRow
from domain.software.rules.states import ERRORS, REPORT_EDGES, REPORTED

DEADLINE_PASSED = "the device did not finish before its deadline"
DEVICE_GONE = "the device is gone"
NO_PATH = "no safe path leads from the device's version to the release"


async def report(work: UnitOfWork, command: ReportUpdate) -> TargetRow:
    """In a unit of work of its own, which takes the rollout's lock first. Every report is kept
    once. It moves the target where it is of the attempt that is under way
    and legal; late and repeated ones move nothing. A device reports for itself alone."""
    if command.state not in REPORTED:
        raise ValidationFailed("state", "not a step that a device reports")
    found = await _own_target(work, command.target_id)
    rollout = await require_rollout(work, found.rollout_id)
    target = await _own_target(work, command.target_id)
    step = StepRow(
        id=new_id(),
        target_id=target.id,
        report_key=command.report_key,
        attempt=command.attempt,
        state=command.state,
        message=command.message,
        at_us=work.now_us,
    )
    if not await targets.insert_step(work.session, work.customer_id, step):
        return target
    if (command.attempt, command.hop) == (target.attempt, target.hop):
        target = await _move(work, rollout, target, command)
    await _record(work, rollout, target, step)
    return target


async def dispatch(
    work: UnitOfWork,
    rollout: RolloutRow,
    target: TargetRow,
    release: ReleaseRow,
    devices: DeviceDirectory,
) -> TargetRow:
    """The command is recorded in this unit of work: sent if and only if the target says so."""
    order = order_of(rollout, target, release, work.now_us)
    await devices.send_update(work, target.device_id, order)
    sent = await targets.change(
        work.session,
        work.customer_id,
        target,
        state=TargetState.DISPATCHED,
        release_id=release.id,
        command_id=order.command_id,
        deadline_at_us=order.expires_at_us,
        error=None,
        updated_at_us=work.now_us,
    )
    if sent is None:  # cannot be under the rollout's lock; if it ever is, nothing was sent
        raise Conflict("The update was changed meanwhile")
    return sent


def order_of(
    rollout: RolloutRow, target: TargetRow, release: ReleaseRow, now_us: int
) -> UpdateOrder:
    return UpdateOrder(
        command_id=f"{target.id}-{target.attempt}-{target.hop}",
        target_id=target.id,
        attempt=target.attempt,
        hop=target.hop,
        release_id=release.id,
        application=release.application,
        version=release.version,
        filename=release.filename or "",
        size_bytes=release.size_bytes or 0,
        sha256=release.sha256 or "",
        signature=release.signature,
        key_id=release.key_id,
        expires_at_us=now_us + rollout.deadline_s * 1_000_000,
    )


def refusal(command_id: str, message: str) -> ReportUpdate:
    """What it means that a device refused the command itself: its attempt failed. Raises
    ValidationFailed for the id of another command."""
    target_id, attempt, hop = [*command_id.split("-"), "", ""][:3]
    return ReportUpdate.of(
        target_id=target_id,
        attempt=attempt,
        hop=hop,
        state=TargetState.FAILED,
        message=message[:4_000],
        report_key="refused",
    )


async def put_off(work: UnitOfWork, target: TargetRow, reason: str, wait_us: int) -> TargetRow:
    """Still scheduled, for a later moment."""
    changed = await targets.change(
        work.session,
        work.customer_id,
        target,
        not_before_us=work.now_us + wait_us,
        error=reason,
        updated_at_us=work.now_us,
    )
    return changed or target


async def expire(
    work: UnitOfWork, rollout: RolloutRow, target: TargetRow, devices: DeviceDirectory
) -> TargetRow:
    """A command that still waits for its device is withdrawn."""
    if target.command_id is not None:
        await devices.cancel_update(work, target.device_id, target.command_id)
    return await fail(work, rollout, target, TargetState.FAILED, DEADLINE_PASSED)


async def fail(
    work: UnitOfWork,
    rollout: RolloutRow,
    target: TargetRow,
    state: TargetState,
    error: str,
    *,
    may_retry: bool = True,
) -> TargetRow:
    """With attempts left it is scheduled again; `error` stays readable meanwhile."""
    values: dict[str, object] = {
        "state": state,
        "deadline_at_us": None,
        "updated_at_us": work.now_us,
    }
    if may_retry and is_going_on(rollout) and target.attempt < rollout.max_attempts:
        values = next_attempt(rollout, target, work.now_us)
    changed = await targets.change(
        work.session, work.customer_id, target, **values | {"error": error}
    )
    return changed or target


async def succeed(work: UnitOfWork, target: TargetRow, version: str) -> TargetRow:
    changed = await targets.change(
        work.session,
        work.customer_id,
        target,
        state=TargetState.SUCCEEDED,
        installed_version=version,
        deadline_at_us=None,
        error=None,
        updated_at_us=work.now_us,
    )
    return changed or target


async def record_all(work: UnitOfWork, rollout: RolloutRow, changed: list[TargetRow]) -> None:
    """One count a group, however many of its targets changed."""
    for group_id in dict.fromkeys(one.group_id for one in changed):
        group = await rollouts.group_progress(work.session, work.customer_id, group_id)
        for one in changed:
            if one.group_id == group_id:
                events.record_target(work, rollout, one, group, None)


async def _record(work: UnitOfWork, rollout: RolloutRow, target: TargetRow, step: StepRow) -> None:
    group = await rollouts.group_progress(work.session, work.customer_id, target.group_id)
    events.record_target(work, rollout, target, group, step)


async def _own_target(work: UnitOfWork, target_id: str) -> TargetRow:
    found = None
    if is_id(target_id):
        found = await targets.target(work.session, work.customer_id, target_id)
    foreign = work.actor.kind is ActorKind.DEVICE and (
        found is None or found.device_id != work.actor.id
    )
    if found is None or foreign:
        raise NotFound("Update", target_id)
    return found


async def _move(
    work: UnitOfWork, rollout: RolloutRow, target: TargetRow, command: ReportUpdate
) -> TargetRow:
    if command.state not in REPORT_EDGES[target.state]:
        return target
    if command.state is TargetState.SUCCEEDED:
        return await _installed(work, rollout, target)
    if command.state in ERRORS:
        error = command.message or f"the device reported {command.state.value}"
        return await fail(work, rollout, target, command.state, error)
    changed = await targets.change(
        work.session,
        work.customer_id,
        target,
        state=command.state,
        updated_at_us=work.now_us,
    )
    return changed or target


async def _installed(work: UnitOfWork, rollout: RolloutRow, target: TargetRow) -> TargetRow:
    """The end, or one hop nearer to it."""
    if target.release_id == rollout.release_id or target.release_id is None:
        await _note_installed(work, rollout, target, rollout.version)
        return await succeed(work, target, rollout.version)
    found = await releases.releases_by_ids(work.session, work.customer_id, [target.release_id])
    version = found[target.release_id].version if target.release_id in found else None
    if version is not None:
        await _note_installed(work, rollout, target, version)
    values: dict[str, object] = {"installed_version": version, "updated_at_us": work.now_us}
    if target.state in IN_FLIGHT:
        values |= {"deadline_at_us": None, "hop": target.hop + 1, "not_before_us": work.now_us}
        values["state"] = TargetState.SCHEDULED if is_going_on(rollout) else TargetState.CANCELLED
    changed = await targets.change(work.session, work.customer_id, target, **values)
    return changed or target


async def _note_installed(
    work: UnitOfWork, rollout: RolloutRow, target: TargetRow, version: str
) -> None:
    row = InstalledRow(target.device_id, rollout.application, version, work.now_us)
    await installed.put(work.session, work.customer_id, row)


def is_going_on(rollout: RolloutRow) -> bool:
    """Whether more may yet be sent to its devices."""
    return rollout.state in (RolloutState.RUNNING, RolloutState.PAUSED)

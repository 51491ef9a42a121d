"""Rollouts and deployments, which are rollouts of one group."""

from collections.abc import Sequence
from dataclasses import replace

from domain.fleet.repository import devices as fleet
from domain.kernel.database import ReadSession
from domain.kernel.ids import NOTHING, is_id
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from domain.software.commands import (
    CreateRollout,
    Deploy,
    ReportUpdate,
    RolloutFilter,
)
from domain.software.models import TargetState
from domain.software.operations import rollouts as rollout_operations
from domain.software.operations import targets as target_operations
from domain.software.operations.planning import (
    RolloutPlan,
    plan_rollout,
)
from domain.software.repository import rollouts, targets
from domain.software.rows import (
    GroupProgress,
    RolloutProgress,
    RolloutRow,
    StepRow,
    TargetRow,
)
from graph.context import Context
from graph.software.access import known_release, software


async def list_rollouts(
    context: Context, wanted: RolloutFilter, window: PageRequest
) -> Page[RolloutRow]:
    """Deployments too: they are rollouts of one group. The filter's device is one by its id or
    its identifier."""
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    async with context.read() as session:
        plain = await _by_device_id(session, context, wanted)
        return await rollouts.page(session, context.customer_id, plain, window)


async def count_rollouts(context: Context, wanted: RolloutFilter) -> int:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    async with context.read() as session:
        plain = await _by_device_id(session, context, wanted)
        return await rollouts.count(session, context.customer_id, plain)


async def _by_device_id(
    session: ReadSession, context: Context, wanted: RolloutFilter
) -> RolloutFilter:
    device_id = await _device_id(session, context, wanted.device_id)
    return replace(wanted, device_id=device_id)


async def _device_id(session: ReadSession, context: Context, key: str | None) -> str | None:
    """Of an id or an identifier, which is nothing's where no device has it. A removed device's
    rollouts are found by its id."""
    if key is None or is_id(key):
        return key
    device = await fleet.find(session, context.customer_id, key)
    return NOTHING if device is None else device.id


async def rollout(context: Context, rollout_id: str) -> RolloutRow | None:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    if not is_id(rollout_id):
        return None
    async with context.read() as session:
        found = await rollouts.by_ids(session, context.customer_id, [rollout_id])
    return found.get(rollout_id)


async def rollout_progress(
    context: Context, rows: Sequence[RolloutRow]
) -> dict[str, RolloutProgress]:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    async with context.read() as session:
        return await rollouts.progress(session, context.customer_id, rows)


async def targets_of_group(
    context: Context, group_id: str, state: TargetState | None, window: PageRequest
) -> Page[TargetRow]:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    async with context.read() as session:
        return await targets.page(session, context.customer_id, group_id, state, window)


async def targets_of_rollouts(
    context: Context, rollout_ids: Sequence[str], device_id: str | None, limit: int
) -> dict[str, list[TargetRow]]:
    """At most `limit` of each, in order; of one device where one is named."""
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    async with context.read() as session:
        plain = await _device_id(session, context, device_id)
        return await targets.of_rollouts(session, context.customer_id, rollout_ids, plain, limit)


async def target(context: Context, target_id: str) -> TargetRow | None:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    if not is_id(target_id):
        return None
    async with context.read() as session:
        return await targets.target(session, context.customer_id, target_id)


async def rollout_group(context: Context, group_id: str) -> GroupProgress | None:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    if not is_id(group_id):
        return None
    async with context.read() as session:
        return await rollouts.find_group(session, context.customer_id, group_id)


async def steps_of_target(context: Context, target_id: str) -> list[StepRow]:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    async with context.read() as session:
        return (await targets.steps_of(session, context.customer_id, [target_id]))[target_id]


async def preview_rollout(context: Context, command: CreateRollout) -> RolloutPlan:
    """What `create_rollout` would freeze now; nothing is stored."""
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    devices = software(context).devices
    wanted = await known_release(context, command.release_id)
    async with context.read() as session:
        return await plan_rollout(session, context.customer_id, wanted, command, devices)


async def create_rollout(context: Context, command: CreateRollout) -> RolloutProgress:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    devices = software(context).devices
    async with context.transaction() as work:
        return await rollout_operations.create_rollout(work, command, devices)


async def deploy(context: Context, command: Deploy) -> RolloutProgress:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    devices = software(context).devices
    async with context.transaction() as work:
        return await rollout_operations.deploy(work, command, devices)


async def approve_rollout(context: Context, rollout_id: str) -> RolloutProgress:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_APPROVE)
    async with context.transaction() as work:
        return await rollout_operations.approve(work, rollout_id)


async def start_rollout(context: Context, rollout_id: str) -> RolloutProgress:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    async with context.transaction() as work:
        return await rollout_operations.start(work, rollout_id)


async def pause_rollout(context: Context, rollout_id: str) -> RolloutProgress:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    async with context.transaction() as work:
        return await rollout_operations.pause(work, rollout_id)


async def resume_rollout(context: Context, rollout_id: str) -> RolloutProgress:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    async with context.transaction() as work:
        return await rollout_operations.resume(work, rollout_id)


async def cancel_rollout(context: Context, rollout_id: str) -> RolloutProgress:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    devices = software(context).devices
    async with context.transaction() as work:
        return await rollout_operations.cancel(work, rollout_id, devices)


async def trigger_next_group(context: Context, rollout_id: str) -> RolloutProgress:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    async with context.transaction() as work:
        return await rollout_operations.trigger_next_group(work, rollout_id)


async def retry_rollout(context: Context, rollout_id: str) -> RolloutProgress:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    async with context.transaction() as work:
        return await rollout_operations.retry(work, rollout_id)


async def report_update(context: Context, command: ReportUpdate) -> TargetRow:
    """A device's step; a device reports for itself alone."""
    context.actor.require(Permission.SOFTWARE_UPDATE_REPORT)
    async with context.transaction() as work:
        return await target_operations.report(work, command)

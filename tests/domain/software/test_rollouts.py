"""Rollouts from their creation to their end, driven as in production: sweeps and reports."""

import asyncio
from typing import Any

import pytest

from domain.kernel.database import Database
from domain.kernel.errors import Conflict, Forbidden, NotFound, ValidationFailed
from domain.kernel.ids import new_id
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import Role
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from domain.software.commands import (
    ChangePath,
    CreateRollout,
    Deploy,
    PlanGroup,
    RolloutFilter,
)
from domain.software.models import GroupState, RolloutState, TargetState
from domain.software.operations.targets import refusal
from domain.software.rows import RolloutProgress
from graph.software import resolvers
from tests.support.clocks import START_US, ManualClock
from tests.support.databases import new_customer
from tests.support.log import facts
from tests.support.software import Factory, counts

ALL = PageRequest()
GOOD, BAD = TargetState.SUCCEEDED, TargetState.FAILED


async def rollout(factory: Factory, devices: int = 4, **changes: Any) -> RolloutProgress:
    release = await factory.upload()
    ids = await factory.add_devices(devices)
    given = {"release_id": release.id, "name": "night shift", "device_ids": tuple(ids)}
    return await resolvers.create_rollout(factory.context(), CreateRollout.of(**given | changes))


async def started(factory: Factory, devices: int = 4, **changes: Any) -> RolloutProgress:
    made = await rollout(factory, devices, **changes)
    await resolvers.start_rollout(factory.context(), made.rollout.id)
    await factory.sweeper().sweep()
    return await factory.progress(made.rollout.id)


def states(found: RolloutProgress) -> list[str]:
    return [str(one.group.state) for one in found.groups]


async def swept(factory: Factory, found: RolloutProgress) -> RolloutProgress:
    await factory.sweeper().sweep()
    return await factory.progress(found.rollout.id)


async def journal(factory: Factory) -> list[str]:
    return [row.data["message"] for row in await facts(factory.database, "journal")]


async def test_two_groups_run_to_their_end(factory: Factory) -> None:
    found = await started(factory, 4, group_count=2)
    assert found.rollout.state is RolloutState.RUNNING
    assert counts(found) == [{"DISPATCHED": 2}, {"WAITING": 2}]
    first = await factory.commands()
    assert [one["version"] for one in first] == ["2.0.0", "2.0.0"]
    assert {one["sha256"] for one in first} == {(await factory.upload("9.0.0")).sha256}
    for step in (TargetState.DOWNLOADING, TargetState.VERIFYING, TargetState.INSTALLING, GOOD):
        for target in await factory.targets(found.rollout.id):
            if target.state is not TargetState.WAITING:
                await factory.report(target, step)
    found = await swept(factory, found)
    assert states(found) == ["FINISHED", "RUNNING"]
    assert counts(found) == [{"SUCCEEDED": 2}, {"DISPATCHED": 2}]
    await factory.finish(found.rollout.id, GOOD)
    found = await swept(factory, found)
    assert found.rollout.state is RolloutState.FINISHED
    assert counts(found) == [{"SUCCEEDED": 2}, {"SUCCEEDED": 2}]
    assert len(await factory.commands()) == 4
    assert await factory.sweeper().sweep() == 0


async def test_the_preview_is_what_is_frozen(factory: Factory) -> None:
    release = await factory.upload()
    pilot = new_id()
    ids = [*await factory.add_devices(9), *await factory.add_devices(3, group_id=pilot)]
    current = await factory.add_devices(2, version="2.0.0")
    groups = (
        PlanGroup.of(name="pilot", device_group_ids=(pilot,)),
        PlanGroup.of(count=2, error_percent=0),
        PlanGroup.of(percent=50),
        PlanGroup.of(),
    )
    command = CreateRollout.of(
        release_id=release.id, name="r", device_ids=(*ids[:9], *current), groups=groups
    )
    preview = await resolvers.preview_rollout(factory.context(Role.OPERATOR), command)
    assert [len(group) for group in preview.grouped.groups] == [3, 2, 4, 3]
    assert {one.device_id for one in preview.excluded} == set(current)
    made = await resolvers.create_rollout(factory.context(), command)
    targets = await factory.targets(made.rollout.id)
    for one, members in zip(made.groups, preview.grouped.groups, strict=True):
        frozen = [target.device_id for target in targets if target.group_id == one.group.id]
        assert frozen == list(members)
    assert [one.group.error_percent for one in made.groups] == [10, 0, 10, 10]
    assert made.groups[0].group.name == "pilot"


async def test_devices_left_over_are_refused(factory: Factory) -> None:
    with pytest.raises(ValidationFailed):
        await rollout(factory, 4, groups=(PlanGroup.of(percent=50),))
    assert await resolvers.count_rollouts(factory.context(), RolloutFilter()) == 0


async def test_empty_groups_do_not_hold_it_up(factory: Factory) -> None:
    group = new_id()
    plans = (PlanGroup.of(device_group_ids=(group,)), PlanGroup.of(), PlanGroup.of())
    found = await started(factory, 2, groups=plans)
    assert states(found) == ["FINISHED", "RUNNING", "WAITING"]
    await factory.finish(found.rollout.id, GOOD)
    found = await swept(factory, found)
    assert found.rollout.state is RolloutState.FINISHED


async def test_failures_up_to_the_threshold_do_not_halt_it(factory: Factory) -> None:
    found = await started(factory, 10, group_count=2, success_percent=80, error_percent=20)
    await factory.finish(found.rollout.id, BAD, GOOD, GOOD, GOOD, GOOD)
    found = await swept(factory, found)
    assert found.rollout.state is RolloutState.RUNNING
    assert states(found) == ["FINISHED", "RUNNING"]


async def test_the_error_threshold_is_strict_and_resuming_accepts(factory: Factory) -> None:
    found = await started(factory, 10, group_count=2, success_percent=60, error_percent=20)
    await factory.finish(found.rollout.id, BAD, BAD, GOOD, GOOD, GOOD)
    found = await swept(factory, found)
    assert found.rollout.state is RolloutState.PAUSED
    assert "2 of 5 devices failed" in (found.rollout.halt_reason or "")
    assert states(found) == ["HALTED", "WAITING"]
    assert any("halted" in message for message in await journal(factory))
    assert await factory.sweeper().sweep() == 0
    await resolvers.resume_rollout(factory.context(), found.rollout.id)
    found = await swept(factory, found)
    assert states(found) == ["FINISHED", "RUNNING"]
    await factory.finish(found.rollout.id, GOOD)
    assert (await swept(factory, found)).rollout.state is RolloutState.FINISHED


async def test_failed_devices_are_tried_again(factory: Factory) -> None:
    found = await started(factory, 2, error_percent=0)
    await factory.finish(found.rollout.id, BAD, TargetState.ROLLED_BACK)
    found = await swept(factory, found)
    assert found.rollout.state is RolloutState.PAUSED
    await resolvers.retry_rollout(factory.context(), found.rollout.id)
    found = await swept(factory, found)
    assert counts(found) == [{"DISPATCHED": 2}]
    targets = await factory.targets(found.rollout.id)
    assert [target.attempt for target in targets] == [2, 2]
    assert len({one["command_id"] for one in await factory.commands()}) == 4
    late = await factory.report(targets[0], BAD, key="late", attempt=1)
    assert late.state is TargetState.DISPATCHED
    await factory.finish(found.rollout.id, GOOD)
    found = await swept(factory, found)
    assert found.rollout.state is RolloutState.FINISHED
    with pytest.raises(Conflict):
        await resolvers.retry_rollout(factory.context(), found.rollout.id)


async def test_attempts_of_its_own(factory: Factory) -> None:
    found = await started(factory, 1, max_attempts=2, error_percent=0)
    await factory.finish(found.rollout.id, BAD)
    found = await swept(factory, found)
    assert counts(found) == [{"DISPATCHED": 1}]
    await factory.finish(found.rollout.id, BAD)
    found = await swept(factory, found)
    assert found.rollout.state is RolloutState.PAUSED


async def test_four_eyes(factory: Factory) -> None:
    made = await rollout(factory, 1, approval_required=True)
    assert made.rollout.state is RolloutState.WAITING_FOR_APPROVAL
    key = made.rollout.id
    with pytest.raises(Conflict):
        await resolvers.start_rollout(factory.context(), key)
    with pytest.raises(Forbidden):
        await resolvers.approve_rollout(factory.context(Role.MANAGER, "bob"), key)
    with pytest.raises(Forbidden):
        await resolvers.approve_rollout(factory.context(Role.ADMIN, "ann"), key)
    assert (await factory.progress(key)).rollout == made.rollout
    done = await resolvers.approve_rollout(factory.context(Role.ADMIN, "bob"), key)
    assert (done.rollout.state, done.rollout.approved_by) == (RolloutState.READY, "bob")


async def test_pausing_sends_nothing_and_loses_no_report(factory: Factory) -> None:
    found = await started(factory, 4, group_count=2)
    await resolvers.pause_rollout(factory.context(), found.rollout.id)
    await factory.finish(found.rollout.id, GOOD)
    found = await swept(factory, found)
    assert counts(found) == [{"SUCCEEDED": 2}, {"WAITING": 2}]
    await resolvers.resume_rollout(factory.context(), found.rollout.id)
    assert counts(await swept(factory, found)) == [{"SUCCEEDED": 2}, {"DISPATCHED": 2}]


async def test_triggering_the_next_group(factory: Factory) -> None:
    found = await started(factory, 4, group_count=2)
    await resolvers.trigger_next_group(factory.context(), found.rollout.id)
    assert counts(await swept(factory, found)) == [{"DISPATCHED": 2}, {"DISPATCHED": 2}]
    with pytest.raises(Conflict):
        await resolvers.trigger_next_group(factory.context(), found.rollout.id)


async def test_cancelling_withdraws_and_waits_for_what_is_under_way(factory: Factory) -> None:
    found = await started(factory, 4, group_count=2)
    sent = [one for one in await factory.targets(found.rollout.id) if one.command_id]
    await factory.deliver(sent[0].device_id)
    done = await resolvers.cancel_rollout(factory.context(), found.rollout.id)
    assert done.rollout.state is RolloutState.STOPPING
    assert counts(await swept(factory, found)) == [
        {"CANCELLED": 1, "DISPATCHED": 1},
        {"CANCELLED": 2},
    ]
    await factory.report(sent[0], GOOD)
    found = await swept(factory, found)
    assert found.rollout.state is RolloutState.STOPPED
    assert sorted(one["state"] for one in await factory.commands()) == ["CANCELLED", "SENT"]
    for act in (resolvers.resume_rollout, resolvers.cancel_rollout, resolvers.start_rollout):
        with pytest.raises(Conflict):
            await act(factory.context(), found.rollout.id)


async def test_it_starts_at_its_time_and_sends_in_its_window(
    factory: Factory, clock: ManualClock
) -> None:
    # The clock stands at midnight UTC; the window opens at two.
    made = await rollout(
        factory, 1, start_at_us=START_US + 3_600_000_000, window_from="02:00", window_to="03:00"
    )
    assert (await swept(factory, made)).rollout.state is RolloutState.READY
    clock.advance(3_600)
    found = await swept(factory, made)
    assert found.rollout.state is RolloutState.RUNNING
    assert counts(found) == [{"SCHEDULED": 1}]
    clock.advance(3_600)
    assert counts(await swept(factory, made)) == [{"DISPATCHED": 1}]


async def test_jitter_spreads_the_devices_over_time(factory: Factory, clock: ManualClock) -> None:
    found = await started(factory, 20, jitter_s=600)
    sizes = []
    for _ in range(11):
        sizes.append(len(await factory.commands()))
        clock.advance(60)
        await factory.sweeper().sweep()
    assert sizes[0] < 8
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 4
    assert counts(await factory.progress(found.rollout.id)) == [{"DISPATCHED": 20}]


async def test_a_device_past_its_deadline_has_failed_until_it_says_otherwise(
    factory: Factory, clock: ManualClock
) -> None:
    found = await started(factory, 2, deadline_s=60, error_percent=0)
    one, other = await factory.targets(found.rollout.id)
    await factory.report(one, TargetState.DOWNLOADING)
    clock.advance(59)
    assert await factory.sweeper().sweep() == 0
    clock.advance(1)
    found = await swept(factory, found)
    assert found.rollout.state is RolloutState.PAUSED
    assert counts(found) == [{"FAILED": 2}]
    withdrawn = {row["device_id"]: row["state"] for row in await factory.commands()}
    assert withdrawn[other.device_id] == "CANCELLED"
    assert (await factory.report(one, TargetState.INSTALLING)).state is BAD
    late = await factory.report(one, GOOD)
    assert (late.state, late.error) == (GOOD, None)


async def test_a_line_that_rejects_too_much_halts_it(factory: Factory) -> None:
    await factory.set_line("line-1", 1, 100)
    found = await started(factory, 4, group_count=2, reject_rate_percent=5.0, line_id="line-1")
    assert found.rollout.state is RolloutState.RUNNING
    await factory.set_line("line-1", 6, 100)
    await factory.finish(found.rollout.id, GOOD)
    found = await swept(factory, found)
    assert found.rollout.state is RolloutState.PAUSED
    assert "line-1" in (found.rollout.halt_reason or "")
    assert counts(found) == [{"SUCCEEDED": 2}, {"WAITING": 2}]
    assert any("line-1" in message for message in await journal(factory))


async def test_a_suspended_release_halts_it(factory: Factory) -> None:
    found = await started(factory, 4, group_count=2)
    await resolvers.suspend_release(factory.context(), found.rollout.release_id)
    await factory.finish(found.rollout.id, GOOD)
    found = await swept(factory, found)
    assert found.rollout.state is RolloutState.PAUSED
    assert counts(found)[1] == {"WAITING": 2}


async def test_a_device_goes_hop_by_hop(factory: Factory) -> None:
    for version in ("1.5.0", "2.0.0"):
        await factory.upload(version)
    context = factory.context()
    ids = {}
    for version, start in (("1.5.0", "1.0.0"), ("2.0.0", "1.5.0")):
        row = await resolvers.release_by_version(context, "edge", version)
        assert row is not None
        ids[version] = row.id
        command = ChangePath.of(release_id=row.id, from_version=start)
        await resolvers.add_upgrade_path(context, command)
    (far,), (near,), (lost,) = [
        await factory.add_devices(1, version) for version in ("1.0.0", "1.5.0", "0.1.0")
    ]
    deployed = await resolvers.deploy(
        context, Deploy.of(release_id=ids["2.0.0"], device_ids=(far, near, lost))
    )
    key = deployed.rollout.id
    await factory.sweeper().sweep()
    sent = {one["device_id"]: one["version"] for one in await factory.commands()}
    assert sent == {far: "1.5.0", near: "2.0.0"}
    await factory.finish(key, GOOD)
    await factory.sweeper().sweep()
    target = next(one for one in await factory.targets(key) if one.device_id == far)
    assert (target.state, target.hop, target.installed_version) == ("DISPATCHED", 1, "1.5.0")
    repeated = await factory.report(target, GOOD, key="again", hop=0)
    assert repeated.state is TargetState.DISPATCHED
    await factory.finish(key, GOOD)
    await factory.sweeper().sweep()
    assert (await factory.progress(key)).rollout.state is RolloutState.FINISHED
    assert [one["version"] for one in await factory.commands() if one["device_id"] == far] == [
        "1.5.0",
        "2.0.0",
    ]


async def test_one_update_at_a_time_on_one_device(factory: Factory) -> None:
    first, second = await factory.upload("2.0.0"), await factory.upload("3.0.0")
    (device,) = await factory.add_devices(1)
    context = factory.context()
    for release in (first, second):
        await resolvers.deploy(context, Deploy.of(release_id=release.id, device_ids=(device,)))
    await factory.sweeper().sweep()
    assert [one["version"] for one in await factory.commands()] == ["2.0.0"]
    (target,) = [
        one
        for row in (await resolvers.list_rollouts(context, RolloutFilter(), ALL)).rows
        for one in await factory.targets(row.id)
        if one.state is TargetState.DISPATCHED
    ]
    await factory.report(target, GOOD)
    await factory.sweeper().sweep()
    assert [one["version"] for one in await factory.commands()] == ["2.0.0", "3.0.0"]


async def test_one_device_that_takes_nothing_holds_up_no_other(
    factory: Factory, clock: ManualClock
) -> None:
    release = await factory.upload()
    full, gone, fine = ids = await factory.add_devices(3)
    factory.devices.full, factory.devices.gone = {full}, {gone}
    command = Deploy.of(release_id=release.id, device_ids=tuple(ids))
    made = await resolvers.deploy(factory.context(), command)
    await factory.sweeper().sweep()
    found = {one.device_id: one for one in await factory.targets(made.rollout.id)}
    assert (found[full].state, found[gone].state) == ("SCHEDULED", "FAILED")
    assert found[fine].state is TargetState.DISPATCHED
    factory.devices.full = set()
    clock.advance(60)
    await factory.sweeper().sweep()
    assert {one["device_id"] for one in await factory.commands()} == {full, fine}


async def test_a_device_that_refuses_the_command_has_failed(factory: Factory) -> None:
    found = await started(factory, 1)
    (target,) = await factory.targets(found.rollout.id)
    report = refusal(target.command_id or "", "another update is under way")
    done = await resolvers.report_update(factory.device(target.device_id), report)
    assert (done.state, done.error) == (BAD, "another update is under way")
    with pytest.raises(ValidationFailed):
        refusal(new_id(), "of another command")


async def test_a_deployment_to_a_group_and_its_history(factory: Factory) -> None:
    group = new_id()
    members = await factory.add_devices(2, group_id=group)
    (other,) = await factory.add_devices(1)
    release = await factory.upload()
    context = factory.context()
    command = Deploy.of(release_id=release.id, device_ids=(other,), group_id=group)
    deployed = await resolvers.deploy(context, command)
    await factory.sweeper().sweep()
    assert {one["device_id"] for one in await factory.commands()} == {*members, other}
    await factory.finish(deployed.rollout.id, BAD)
    found = await swept(factory, deployed)
    assert found.rollout.state is RolloutState.FINISHED  # a deployment does not halt by itself
    for wanted, count in (
        (RolloutFilter(device_id=other), 1),
        (RolloutFilter(device_id=new_id()), 0),
        (RolloutFilter(release_id=release.id), 1),
    ):
        assert await resolvers.count_rollouts(context, wanted) == count
    with pytest.raises(NotFound):
        await resolvers.deploy(context, Deploy.of(release_id=release.id, device_ids=(new_id(),)))


async def test_a_report_counts_once_and_only_for_ones_own_device(factory: Factory) -> None:
    found = await started(factory, 2)
    one, other = await factory.targets(found.rollout.id)
    for _ in range(3):
        await factory.report(one, TargetState.DOWNLOADING, message="10 %")
    steps = await resolvers.steps_of_target(factory.context(), one.id)
    assert [(step.state, step.message) for step in steps] == [("DOWNLOADING", "10 %")]
    before = await facts(factory.database, "software")
    with pytest.raises(NotFound):
        await factory.report(other._replace(device_id=one.device_id), GOOD)
    with pytest.raises(ValidationFailed):
        await factory.report(one, TargetState.CANCELLED)
    assert await facts(factory.database, "software") == before


async def test_two_engines_advance_one_rollout_together(
    factory: Factory, database: Database, transactions: Transactions, tail: LogTail
) -> None:
    """As two processes do: nothing is sent twice, nothing is taken back."""
    made = await rollout(factory, 30, group_count=3)
    await resolvers.start_rollout(factory.context(), made.rollout.id)
    other = Database(database.url.render_as_string(hide_password=False))
    twin = Transactions(other, transactions.clock, transactions.wakeups)
    sweepers = [
        factory.sweeper(),
        factory.sweeper(),
        type(factory.sweeper())(twin, factory.devices),
    ]
    try:
        for _ in range(12):
            await asyncio.gather(*(sweeper.sweep() for sweeper in sweepers))
            await factory.finish(made.rollout.id, GOOD)
    finally:
        await other.close()
    found = await swept(factory, made)
    assert found.rollout.state is RolloutState.FINISHED
    assert counts(found) == [{"SUCCEEDED": 10}] * 3
    commands = await factory.commands()
    assert len(commands) == len({one["device_id"] for one in commands}) == 30
    changes = [
        row.data for row in await facts(database, "software") if row.kind == "rollout.changed"
    ]
    seen = [change["rollout"]["state"] for change in changes]
    assert seen == sorted(seen, key=["STARTING", "RUNNING", "FINISHED"].index)


async def test_a_stranger_can_do_nothing(factory: Factory) -> None:
    found = await started(factory, 2)
    eve = Factory(await new_customer(factory.database, "Dairy Two"), factory.services)
    before = await facts(factory.database, "software")
    context = eve.context(Role.ADMIN)
    assert await resolvers.rollout(context, found.rollout.id) is None
    for act in (
        resolvers.start_rollout,
        resolvers.pause_rollout,
        resolvers.resume_rollout,
        resolvers.cancel_rollout,
        resolvers.retry_rollout,
        resolvers.approve_rollout,
        resolvers.trigger_next_group,
    ):
        with pytest.raises(NotFound):
            await act(context, found.rollout.id)
    for act in (resolvers.start_rollout, resolvers.pause_rollout, resolvers.cancel_rollout):
        with pytest.raises(Forbidden):
            await act(factory.context(Role.OPERATOR), found.rollout.id)
    assert await facts(factory.database, "software") == before
    assert states(await factory.progress(found.rollout.id)) == [GroupState.RUNNING]

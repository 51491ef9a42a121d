"""The fleet as software sees it: a rollout's orders are commands to real devices."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.fleet.commands import (
    CommandFilter,
    CreateGroup,
    Heartbeat,
    NewPoint,
    RecordTelemetry,
    UpdateDevice,
)
from domain.fleet.directory import FleetDirectory
from domain.fleet.metrics import REJECTS, SCANS
from domain.fleet.models import CommandState, CommandType
from domain.fleet.rows import CommandRow, DeviceRow
from domain.kernel.errors import Conflict, NotFound
from domain.kernel.ids import new_id
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import Role
from domain.production.codes import DEFAULT_CATALOGUE
from domain.production.commands import CreateBottles, NewBottle, RecordScan, SetBottleStatus
from domain.production.models import BottleStatus
from domain.production.operations.bottles import create_bottles, set_bottle_status
from domain.production.operations.scans import ScanIntake, SiteCodes
from domain.production.repository.scan_store_postgres import PostgresScanStore
from domain.production.repository.scan_store_sqlite import SqliteScanStore
from domain.software.commands import CreateRollout, ReportUpdate, UploadRelease
from domain.software.models import RolloutState, TargetState
from domain.software.ports import SoftwareServices, UpdateOrder
from domain.software.rows import ReleaseRow, RolloutProgress, TargetRow
from domain.software.sweeper import RolloutSweeper
from drivers.artifacts.store import LocalArtifacts
from graph.fleet import resolvers as fleet
from graph.software import resolvers as software
from tests.support.clocks import ManualClock
from tests.support.codes import milk_codes
from tests.support.fleet import Factory, everything, served
from tests.support.rawedge import raw_device
from tests.support.software import stream
from tests.support.waiting import eventually

LINE = "line-001"


@pytest.fixture
def directory(factory: Factory, tmp_path: Path) -> FleetDirectory:
    found = FleetDirectory(factory.fleet.settings)
    services = SoftwareServices(LocalArtifacts(tmp_path / "artifacts"), found)
    factory.services = replace(factory.services, software=services)
    return found


async def release(factory: Factory, version: str = "2.0.0", **changes: Any) -> ReleaseRow:
    command = UploadRelease.of(version=version, filename="fw.bin", **changes)
    return await software.upload_release(factory.context(), command, stream(b"firmware"))


def order(**changes: Any) -> UpdateOrder:
    given: dict[str, Any] = {
        "command_id": f"{new_id()}-1-0",
        "target_id": new_id(),
        "attempt": 1,
        "hop": 0,
        "release_id": new_id(),
        "application": "edge",
        "version": "2.0.0",
        "filename": "fw.bin",
        "size_bytes": 8,
        "sha256": "a" * 64,
        "signature": None,
        "key_id": None,
        "expires_at_us": 2**50,
    }
    return UpdateOrder(**given | changes)


async def commands_of(factory: Factory, device: DeviceRow) -> list[CommandRow]:
    wanted = CommandFilter(device_id=device.id)
    return list((await fleet.list_commands(factory.context(), wanted, PageRequest())).rows)


async def send(
    factory: Factory, directory: FleetDirectory, device: DeviceRow, wanted: UpdateOrder
) -> None:
    async with factory.context().transaction() as work:
        await directory.send_update(work, device.id, wanted)


async def withdraw(
    factory: Factory, directory: FleetDirectory, device: DeviceRow, wanted: UpdateOrder
) -> bool:
    async with factory.context().transaction() as work:
        return await directory.cancel_update(work, device.id, wanted.command_id)


async def rollout(
    factory: Factory, wanted: ReleaseRow, *devices: DeviceRow, **changes: Any
) -> RolloutProgress:
    """Started and swept once."""
    given = {"name": "r", "device_ids": tuple(one.id for one in devices)} | changes
    command = CreateRollout.of(release_id=wanted.id, **given)
    made = await software.create_rollout(factory.context(), command)
    await software.start_rollout(factory.context(), made.rollout.id)
    await sweep(factory)
    return made


async def sweep(factory: Factory) -> None:
    directory = FleetDirectory(factory.fleet.settings)
    await RolloutSweeper(factory.transactions, directory).sweep()


async def targets_of(factory: Factory, made: RolloutProgress) -> list[TargetRow]:
    rollout_id = made.rollout.id
    found = await software.targets_of_rollouts(factory.context(), [rollout_id], None, 100)
    return found[rollout_id]


async def report(
    factory: Factory, device: DeviceRow, target: TargetRow, state: TargetState
) -> None:
    command = ReportUpdate.of(
        target_id=target.id,
        attempt=target.attempt,
        hop=target.hop,
        state=state,
        report_key=f"{target.attempt}.{target.hop}.{state}",
    )
    await software.report_update(factory.as_device(device), command)


async def test_devices_by_name_by_id_and_by_group_each_once(
    factory: Factory, directory: FleetDirectory
) -> None:
    one, two, three = [await factory.register(f"edge-00{n}") for n in (1, 2, 3)]
    group = await fleet.create_group(
        factory.context(), CreateGroup.of(name="Hall", devices=("edge-002", "edge-003"))
    )
    beat = Heartbeat.of(device=two.id, firmware_version="1.4.0")
    await fleet.heartbeat(factory.context(), beat)
    async with factory.database.read() as session:
        found = await directory.find(
            session,
            factory.customer_id,
            "edge",
            device_ids=["edge-001", two.id],
            group_ids=[group.id],
        )
    assert [state.id for state in found] == [one.id, two.id, three.id]
    assert [state.version for state in found] == [None, "1.4.0", None]
    assert [state.online for state in found] == [False, True, False]
    assert [state.group_ids for state in found] == [set(), {group.id}, {group.id}]


@pytest.mark.parametrize("where", ["device_ids", "group_ids"])
async def test_a_name_that_names_nothing(
    factory: Factory, directory: FleetDirectory, other_customer: int, where: str
) -> None:
    gone = await factory.register("edge-001")
    await fleet.remove_device(factory.context(), gone.id)
    command = CreateGroup.of(name="Hall")
    foreign = await fleet.create_group(factory.context(customer_id=other_customer), command)
    async with factory.database.read() as session:
        for key in (gone.id, foreign.id, "nobody", "a\0b"):
            with pytest.raises(NotFound):
                await directory.find(session, factory.customer_id, "edge", **{where: [key]})  # type: ignore[arg-type]
        assert await directory.states(session, factory.customer_id, "edge", [gone.id, "x"]) == {}


async def test_more_devices_than_a_statement_binds(
    factory: Factory, directory: FleetDirectory
) -> None:
    one = await factory.register("edge-001")
    async with factory.database.read() as session:
        many = [one.id] * 40_000
        found = await directory.find(session, factory.customer_id, "edge", device_ids=many)
        known = await directory.states(session, factory.customer_id, "kettle", many)
    assert [state.id for state in found] == [one.id]
    assert set(known) == {one.id}


async def test_an_order_is_a_command_that_waits_for_its_device(
    factory: Factory, directory: FleetDirectory, clock: ManualClock
) -> None:
    device = await factory.register()
    wanted = order(signature="A" * 86 + "==", key_id="k1", expires_at_us=clock.now_us() + 10**9)
    for _ in range(2):
        await send(factory, directory, device, wanted)
    (sent,) = await commands_of(factory, device)
    assert (sent.type, sent.state) == (CommandType.UPDATE_FIRMWARE, CommandState.QUEUED)
    assert (sent.key, sent.deadline_at_us) == (wanted.command_id, None)
    assert sent.expires_at_us == wanted.expires_at_us
    told = orjson.loads(sent.arguments)
    assert told["targetId"] == wanted.target_id
    assert (told["attempt"], told["hop"], told["keyId"]) == (1, 0, "k1")
    assert (told["size"], told["expiresAtUs"]) == (8, wanted.expires_at_us)
    with pytest.raises(Conflict):
        await send(factory, directory, device, replace(wanted, version="3.0.0"))
    clock.advance(1_001)
    await factory.sweeper.sweep()
    assert [row.state for row in await commands_of(factory, device)] == [CommandState.EXPIRED]
    assert await withdraw(factory, directory, device, wanted)


async def test_a_device_that_takes_no_more_or_is_gone(
    factory: Factory, directory: FleetDirectory
) -> None:
    device = await factory.register()
    for _ in range(factory.fleet.settings.max_open):
        await factory.dispatch(device, CommandType.FORCE_SYNC)
    made = await release(factory)
    before = await everything(factory.database)
    found = await rollout(factory, made, device)
    (target,) = await targets_of(factory, found)
    assert target.state is TargetState.SCHEDULED
    assert target.error == "Too many commands wait for this device"
    assert (await everything(factory.database))[4] == before[4]
    await fleet.remove_device(factory.context(), device.id)
    async with factory.context().transaction() as work:
        with pytest.raises(NotFound):
            await directory.send_update(work, device.id, order())


async def test_only_what_was_not_delivered_is_withdrawn(
    factory: Factory, directory: FleetDirectory
) -> None:
    device = await factory.register()
    first, second = order(), order()
    await send(factory, directory, device, first)
    assert await withdraw(factory, directory, device, first)
    assert await withdraw(factory, directory, device, first)
    assert not await withdraw(factory, directory, device, order())
    await send(factory, directory, device, second)
    async with served(factory), raw_device(factory.url, await factory.token(device)) as edge:
        heard = await edge.hear("command")
        assert heard["arguments"]["targetId"] == second.target_id
        assert not await withdraw(factory, directory, device, second)
        await edge.say(type="ack", id=heard["id"])
        await edge.say(type="result", id=heard["id"], result={"accepted": True})
        await edge.hear("recorded")
        assert not await withdraw(factory, directory, device, second)
    await eventually(lambda: bool(factory.ends))
    states = {row.key: row.state for row in await commands_of(factory, device)}
    assert states[first.command_id] is CommandState.CANCELLED
    assert states[second.command_id] is CommandState.SUCCEEDED


async def test_a_rollout_from_the_order_to_the_version(
    factory: Factory, directory: FleetDirectory
) -> None:
    device = await factory.register()
    made = await release(factory)
    found = await rollout(factory, made, device)
    (target,) = await targets_of(factory, found)
    assert target.state is TargetState.DISPATCHED
    (sent,) = await commands_of(factory, device)
    assert sent.actor == "rollout"
    await report(factory, device, target, TargetState.SUCCEEDED)
    await sweep(factory)
    row = await software.rollout(factory.context(), found.rollout.id)
    assert row is not None
    assert row.state is RolloutState.FINISHED
    async with factory.database.read() as session:
        assert not await directory.is_installed(session, factory.customer_id, "edge", "2.0.0")
    await fleet.heartbeat(
        factory.context(), Heartbeat.of(device=device.id, firmware_version="2.0.0")
    )
    with pytest.raises(Conflict):
        await software.delete_release(factory.context(Role.ADMIN), made.id)
    await fleet.remove_device(factory.context(), device.id)
    await software.delete_release(factory.context(Role.ADMIN), made.id)


async def test_rollouts_devices_and_people_at_once_never_wait_in_a_circle(
    factory: Factory, directory: FleetDirectory
) -> None:
    """The rollout is locked first, its devices after it, in one order."""
    devices = [await factory.register(f"edge-{n:03}") for n in range(6)]
    made = [await release(factory, f"{n}.0.0", application=f"app-{n}") for n in range(3)]
    found = [await rollout(factory, one, *devices) for one in made]

    async def beats() -> None:
        for device in devices * 3:
            await fleet.heartbeat(factory.as_device(device), Heartbeat.of(device=device.id))

    ends = [software.cancel_rollout(factory.context(), one.rollout.id) for one in found]
    await asyncio.gather(*(sweep(factory) for _ in range(4)), beats(), *ends, beats())
    await sweep(factory)
    for one in found:
        row = await software.rollout(factory.context(), one.rollout.id)
        assert row is not None
        assert row.state is RolloutState.STOPPED
        assert {target.state for target in await targets_of(factory, one)} == {"CANCELLED"}
    for device in devices:
        sent = await commands_of(factory, device)
        assert {row.state for row in sent} <= {CommandState.CANCELLED}


async def test_of_other_applications_the_last_report_counts(
    factory: Factory, directory: FleetDirectory
) -> None:
    device = await factory.register()
    await fleet.update_device(
        factory.context(), UpdateDevice.of(device=device.id, firmware_version="9.9.9")
    )
    for version in ("1.0.0", "1.1.0"):
        found = await rollout(
            factory, await release(factory, version, application="kettle"), device
        )
        (target,) = await targets_of(factory, found)
        await report(factory, device, target, TargetState.SUCCEEDED)
        await sweep(factory)
        factory.services.clock.advance(1)  # type: ignore[attr-defined]
    async with factory.database.read() as session:
        customer_id = factory.customer_id
        known = await directory.states(session, customer_id, "kettle", [device.id])
        assert known[device.id].version == "1.1.0"
        assert await directory.is_installed(session, customer_id, "kettle", "1.1.0")
        assert not await directory.is_installed(session, customer_id, "kettle", "1.0.0")
        assert not await directory.is_installed(session, customer_id, "kettle", "9.9.9")
    await fleet.remove_device(factory.context(), device.id)
    async with factory.database.read() as session:
        assert not await directory.is_installed(session, customer_id, "kettle", "1.1.0")


@pytest.mark.parametrize("end", ["refused", "cancelled", "removed"])
async def test_an_order_that_came_to_nothing_fails_at_once(
    factory: Factory, directory: FleetDirectory, end: str
) -> None:
    device = await factory.register()
    found = await rollout(factory, await release(factory), device)
    (sent,) = await commands_of(factory, device)
    if end == "refused":
        async with served(factory), raw_device(factory.url, await factory.token(device)) as edge:
            await edge.hear("command")
            error = {"code": "SERVICE_UNAVAILABLE", "message": "This edge installs nothing"}
            await edge.say(type="result", id=sent.id, error=error)
            await edge.hear("recorded")
    elif end == "cancelled":
        await fleet.cancel_command(factory.context(), sent.id)
    else:
        await fleet.remove_device(factory.context(), device.id)
    await sweep(factory)
    (target,) = await targets_of(factory, found)
    assert target.state is TargetState.FAILED
    why = {
        "refused": "This edge installs nothing",
        "cancelled": "the command is CANCELLED",
        "removed": "The device was removed",
    }
    assert target.error == why[end]
    async with factory.database.read() as session:
        assert await directory.undone_updates(session, 10) == []


async def test_an_update_by_hand_names_its_release_and_gets_the_rest(
    factory: Factory, directory: FleetDirectory
) -> None:
    device = await factory.register()
    made = await release(factory)
    values: dict[str, Any] = {"arguments": {"releaseId": made.id}, "key": "by-hand"}
    sent = await factory.dispatch(device, CommandType.UPDATE_FIRMWARE, **values)
    told = orjson.loads(sent.arguments)
    assert (told["version"], told["sha256"], told["size"]) == ("2.0.0", made.sha256, 8)
    assert "targetId" not in told
    assert await factory.dispatch(device, CommandType.UPDATE_FIRMWARE, **values) == sent
    before = await everything(factory.database)
    with pytest.raises(NotFound):
        await factory.dispatch(
            device, CommandType.UPDATE_FIRMWARE, arguments={"releaseId": new_id()}
        )
    await software.suspend_release(factory.context(), made.id)
    with pytest.raises(Conflict):
        await factory.dispatch(device, CommandType.UPDATE_FIRMWARE, **values | {"key": "again"})
    assert (await everything(factory.database))[4] == before[4]


@pytest.fixture
async def scans(factory: Factory, clock: ManualClock) -> AsyncIterator[ScanIntake]:
    store = SqliteScanStore if factory.database.is_sqlite else PostgresScanStore
    codes = SiteCodes(DEFAULT_CATALOGUE, "milk", clock)
    intake = ScanIntake(store(factory.database), codes, clock, factory.transactions.wakeups)
    yield intake
    await intake.close()


async def test_the_reject_rate_of_a_line(
    factory: Factory, directory: FleetDirectory, scans: ScanIntake, clock: ManualClock
) -> None:
    actor = factory.context().actor
    device = await factory.register(line_id=LINE)

    async def rate(since_us: int) -> tuple[int, int]:
        async with factory.database.read() as session:
            return tuple(await directory.reject_rate(session, factory.customer_id, LINE, since_us))  # type: ignore[return-value]

    await scans.submit(actor, RecordScan("old and bad", line_id=LINE))
    clock.advance(60)
    since_us = clock.now_us()
    assert await rate(since_us) == (0, 0)
    codes = milk_codes(4)
    command = CreateBottles.of(bottles=(NewBottle.of(identifier=codes[3], line_id=LINE),))
    async with factory.context().transaction() as work:
        (made,) = await create_bottles(work, command, scans.codes.read)
    assert await rate(since_us) == (0, 1), "where nobody tells of reads, what was made counts"
    for code in (*codes[:3], codes[0], "bad"):
        await scans.submit(actor, RecordScan(code, line_id=LINE))
    await scans.submit(actor, RecordScan("bad", line_id="line-002"))
    assert await rate(since_us) == (1, 5)
    points = (NewPoint.of(metric=SCANS, value=100), NewPoint.of(metric=REJECTS, value=7))
    await fleet.record_telemetry(
        factory.as_device(device), RecordTelemetry.of(device=device.id, points=points)
    )
    assert await rate(since_us) == (8, 105)
    assert await rate(clock.now_us() + 1) == (0, 4)
    rejected = SetBottleStatus.of(bottle_id=made.id, status=BottleStatus.REJECTED)
    async with factory.context().transaction() as work:
        await set_bottle_status(work, rejected)
    assert await rate(since_us) == (9, 105)

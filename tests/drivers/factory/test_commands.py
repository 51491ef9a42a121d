"""Commands from a factory to an edge, over a real socket, through whichever process."""

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from domain.fleet.arguments import ExecShell, PushConfig
from domain.fleet.commands import CommandFilter, CreateGroup, DispatchGroupCommand, SetConfiguration
from domain.fleet.models import CommandState, CommandType, DeviceStatus, ExecutionState
from domain.fleet.operations import outcomes
from domain.fleet.repository import commands
from domain.fleet.repository.executions import EXECUTED
from domain.fleet.rows import CommandRow
from domain.fleet.sweeper import FleetSweeper
from domain.kernel.artifacts import StoredArtifact
from domain.kernel.errors import Conflict, RateLimited, Unavailable
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import Role
from domain.kernel.uow import Transactions
from domain.software.commands import UploadRelease
from domain.software.operations.releases import upload_release
from drivers.factory.worker import MAX_PARALLEL
from graph.fleet import resolvers
from tests.drivers.factory.conftest import Site
from tests.drivers.factory.test_sessions import becomes
from tests.support.clocks import ManualClock
from tests.support.edge_link import Deeds, linked_edge
from tests.support.fleet import Factory, WakesAll, everything, kinds
from tests.support.log import facts
from tests.support.rawedge import raw_device
from tests.support.waiting import DEADLINE_S, eventually, good_answer, until

T = CommandType


def free() -> Deeds:
    deeds = Deeds()
    deeds.gate.set()
    return deeds


async def ends(factory: Factory, command: CommandRow) -> CommandRow:
    async def now() -> CommandRow:
        found = await resolvers.command(factory.context(), command.id)
        assert found is not None
        return found

    return await good_answer(now, lambda found: found.finished_at_us is not None)


def sweeper_ahead_by(ahead_s: float, factory: Factory) -> FleetSweeper:
    """Of later commands, not of silent devices."""
    clock = ManualClock(factory.services.clock.now_us())
    clock.advance(ahead_s)
    settings = replace(factory.fleet.settings, missed_heartbeats=1_000_000)
    return FleetSweeper(Transactions(factory.database, clock, WakesAll()), settings)


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_there_and_back(site: Site, elsewhere: bool) -> None:
    sender = site.two if elsewhere else site.one
    async with linked_edge(lambda: site.one.url, site.token, site.book, free()) as edge:
        await edge.connected()
        done = await sender.dispatch(site.device, key="cmd-1")
        assert (done.state, done.result) == (CommandState.SUCCEEDED, '{"done":1}')
        assert (done.key, done.actor) == ("cmd-1", "admin")
        assert done.sent_at_us is not None
        assert [kind for kind, _ in edge.deeds.done] == [T.FORCE_SYNC]
        again = await sender.dispatch(site.device, key="cmd-1")
        assert again == done
        assert len(edge.deeds.done) == 1
    named = [k for k in kinds(await facts(site.one.database, "fleet")) if k[:8] == "command."]
    assert named == ["command.dispatched", "command.sent", "command.finished"]


async def test_the_same_id_again_is_the_same_command_however_many_ask(site: Site) -> None:
    async with linked_edge(lambda: site.one.url, site.token, site.book, free()) as edge:
        await edge.connected()
        crowd = [
            process.dispatch(site.device, key="cmd-1")
            for process in (site.one, site.two)
            for _ in range(5)
        ]
        answers = await asyncio.gather(*crowd)
        assert set(answers) == {answers[0]}
        assert answers[0].state is CommandState.SUCCEEDED
        assert len(edge.deeds.done) == 1
        before = await everything(site.one.database)
        with pytest.raises(Conflict):
            await site.one.dispatch(site.device, T.PULL_LOGS, key="cmd-1")
        assert (await everything(site.one.database))[4] == before[4]


@pytest.mark.parametrize("kind", sorted(set(T) - {T.CLEAR_QUEUE, T.EXEC_SHELL}))
async def test_every_type_arrives(site: Site, kind: CommandType) -> None:
    arguments = {}
    if kind is T.UPDATE_FIRMWARE:
        arguments = {"releaseId": await published_release(site.one)}
    async with linked_edge(lambda: site.one.url, site.token, site.book, free()) as edge:
        await edge.connected()
        done = await site.one.dispatch(site.device, kind, arguments=arguments)
        assert done.state is CommandState.SUCCEEDED
        assert edge.deeds.done[0][0] is kind
        if kind is T.DISABLE_DEVICE:
            assert not (await site.one.device(site.device)).enabled
            await site.one.dispatch(site.device, T.ENABLE_DEVICE)
            assert (await site.one.device(site.device)).enabled


async def published_release(factory: Factory) -> str:
    command = UploadRelease.of(version="2.0.0", filename="fw.bin")
    stored = StoredArtifact("artifacts/one", 8, "a" * 64)
    async with factory.context().transaction() as work:
        return (await upload_release(work, command, "edge", stored)).id


async def test_what_an_edge_cannot_or_will_not_do_has_failed(site: Site) -> None:
    deeds = free()
    async with linked_edge(lambda: site.one.url, site.token, site.book, deeds) as edge:
        await edge.connected()
        unknown = await site.one.dispatch(site.device, T.CLEAR_QUEUE)
        assert (unknown.state, unknown.error_code) == (CommandState.FAILED, "UNSUPPORTED")
        shell = {"argv": ["id"]}
        refused = await site.one.dispatch(site.device, T.EXEC_SHELL, arguments=shell)
        assert (refused.state, refused.error_code) == (CommandState.FAILED, "FORBIDDEN")
        deeds.failure = Unavailable("The disk is full")
        failed = await site.one.dispatch(site.device)
        assert (failed.error_code, failed.error) == ("SERVICE_UNAVAILABLE", "The disk is full")
        assert deeds.done == []


async def test_a_shell_where_the_edge_allows_it(site: Site) -> None:
    book = site.book
    async with linked_edge(
        lambda: site.one.url, site.token, book, free(), allow_shell=True
    ) as edge:
        await edge.connected()
        shell = {"argv": ["echo", "a b"]}
        done = await site.one.dispatch(site.device, T.EXEC_SHELL, arguments=shell)
        assert done.state is CommandState.SUCCEEDED
        assert edge.deeds.done == [(T.EXEC_SHELL, ExecShell(argv=("echo", "a b")))]
    notes = [row.data["message"] for row in await facts(site.one.database, "journal")]
    assert "exec_shell was sent to edge-001" in notes


async def test_some_commands_wait_for_an_offline_device(site: Site) -> None:
    await resolvers.set_configuration(
        site.one.context(), SetConfiguration.of(device="edge-001", document={"a": 1}, push=False)
    )
    waiting = [await site.one.dispatch(site.device, kind) for kind in (T.FORCE_SYNC, T.PUSH_CONFIG)]
    cancelled = await site.one.dispatch(site.device, T.PULL_LOGS)
    assert {row.state for row in waiting} == {CommandState.QUEUED}
    ended = await resolvers.cancel_command(site.two.context(), cancelled.id)
    assert ended.state is CommandState.CANCELLED
    assert await resolvers.cancel_command(site.two.context(), cancelled.id) == ended
    async with linked_edge(lambda: site.one.url, site.token, site.book, free()) as edge:
        done = [await ends(site.two, row) for row in waiting]
        assert {row.state for row in done} == {CommandState.SUCCEEDED}
        pushed = dict(edge.deeds.done)[T.PUSH_CONFIG]
        assert pushed == PushConfig(version=1, document={"a": 1})
        assert len(edge.deeds.done) == 2
        with pytest.raises(Conflict):
            await resolvers.cancel_command(site.one.context(), done[0].id)


@pytest.mark.parametrize("kind", [T.CLEAR_QUEUE, T.ENABLE_DEVICE, T.REBOOT_OS])
async def test_others_do_not(site: Site, kind: CommandType) -> None:
    before = await everything(site.one.database)
    with pytest.raises(Conflict):
        await site.one.dispatch(site.device, kind)
    assert await everything(site.one.database) == before


async def test_an_answer_that_comes_too_late_still_counts(site: Site) -> None:
    deeds = Deeds()
    async with linked_edge(lambda: site.one.url, site.token, site.book, deeds) as edge:
        await edge.connected()
        late = await site.two.dispatch(site.device, timeout_ms=300)
        assert (late.state, late.error_code) == (CommandState.TIMEOUT, "TIMEOUT")
        assert len(site.two.fleet.results) == 0
        deeds.gate.set()
        async with asyncio.timeout(DEADLINE_S):
            while True:
                found = await resolvers.command(site.two.context(), late.id)
                assert found is not None
                if found.state is CommandState.SUCCEEDED:
                    break
                await asyncio.sleep(0.005)


async def test_what_nobody_waits_for_ends_too(site: Site) -> None:
    async with raw_device(site.one.url, site.token) as device:
        asking = asyncio.create_task(site.one.dispatch(site.device, timeout_ms=1))
        await device.hear("command")
        assert (await asking).state is CommandState.TIMEOUT
        forgotten = asyncio.create_task(site.one.dispatch(site.device, timeout_ms=60_000))
        frame = await device.hear("command")
        forgotten.cancel()
        await asyncio.gather(forgotten, return_exceptions=True)
        assert await site.two.sweeper.sweep() == 0
        assert await sweeper_ahead_by(70.0, site.two).sweep() == 1
        found = await resolvers.command(site.one.context(), frame["id"])
        assert found is not None
        assert found.state is CommandState.TIMEOUT


async def test_a_command_is_sent_again_until_it_is_answered(site: Site) -> None:
    queued = await site.one.dispatch(site.device, T.FORCE_SYNC)
    for _ in range(2):  # taken, even acknowledged, and lost
        async with raw_device(site.one.url, site.token) as device:
            frame = await device.hear("command")
            assert frame["id"] == queued.id
            await device.say(type="ack", id=frame["id"])
            await device.say(type="pong")
    async with raw_device(site.two.url, site.token) as device:
        assert (await device.hear("command"))["command"] == "force_sync"
        for _ in range(2):
            await device.say(type="result", id=queued.id, result={"n": 1})
            await device.hear("recorded")
        await device.say(type="result", id=queued.id, error={"code": "X", "message": "no"})
        await device.hear("recorded")
    done = await ends(site.one, queued)
    assert (done.state, done.result) == (CommandState.SUCCEEDED, '{"n":1}')


async def test_an_edge_answers_again_what_it_has_done(site: Site) -> None:
    """The factory forgets; the edge's disk does not."""
    queued = await site.one.dispatch(site.device, T.FORCE_SYNC)
    async with linked_edge(lambda: site.one.url, site.token, site.book, free()) as edge:
        await ends(site.one, queued)
        await eventually(lambda: len(edge.deeds.done) == 1)
    await reopen(site, queued)
    async with linked_edge(lambda: site.two.url, site.token, site.book, free()) as edge:
        await edge.connected()
        done = await ends(site.two, queued)
        assert (done.state, done.result) == (CommandState.SUCCEEDED, '{"done":1}')
        assert edge.deeds.done == []


async def reopen(site: Site, command: CommandRow) -> None:
    """As if the answer had never been stored."""
    await becomes(site.one, site, DeviceStatus.OFFLINE)
    async with site.one.context().transaction() as work:
        await commands.change(
            work.session,
            work.customer_id,
            command.id,
            list(CommandState),
            state=CommandState.QUEUED,
            finished_at_us=None,
            result=None,
        )


async def test_an_answer_made_while_the_link_was_down_arrives_later(site: Site) -> None:
    deeds = Deeds()
    async with linked_edge(lambda: site.one.url, site.token, site.book, deeds) as edge:
        await edge.connected()
        asking = asyncio.create_task(site.one.dispatch(site.device, timeout_ms=60_000))
        await eventually(lambda: deeds.begun == 1)
        edge.task.reconnect()
        deeds.gate.set()
        assert (await asking).state is CommandState.SUCCEEDED
        assert len(deeds.done) == 1
        await becomes(site.one, site, DeviceStatus.ONLINE)

        async def all_is_reported() -> bool:
            return not await site.book.unreported()

        await until(all_is_reported)


@pytest.mark.parametrize(
    ("kind", "state", "code"),
    [
        (T.FORCE_SYNC, CommandState.SUCCEEDED, None),
        (T.REBOOT_OS, CommandState.SUCCEEDED, None),
        (T.EXEC_SHELL, CommandState.FAILED, "INTERRUPTED"),
    ],
)
async def test_a_crash_in_the_middle(
    site: Site, kind: CommandType, state: CommandState, code: str | None
) -> None:
    arguments: Any = {"argv": ["true"]} if kind is T.EXEC_SHELL else {}
    held = Deeds()
    async with linked_edge(
        lambda: site.one.url, site.token, site.book, held, allow_shell=True
    ) as edge:
        await edge.connected()
        asking = asyncio.create_task(
            site.one.dispatch(site.device, kind, arguments=arguments, timeout_ms=60_000)
        )
        await eventually(lambda: held.begun == 1)
    async with linked_edge(
        lambda: site.two.url, site.token, site.book, free(), allow_shell=True
    ) as edge:
        done = await asking
        assert (done.state, done.error_code) == (state, code)
        assert len(edge.deeds.done) == (1 if kind is T.FORCE_SYNC else 0)
    (row,) = await rows_of(site)
    assert row.state is ExecutionState.DONE


async def rows_of(site: Site) -> list[Any]:
    async with site.disk.read() as session:
        return list(await session.execute(select(EXECUTED)))


async def test_a_few_commands_run_at_a_time_and_a_storm_is_bounded(site: Site) -> None:
    deeds = Deeds()
    most = site.one.fleet.settings.max_open
    async with linked_edge(lambda: site.one.url, site.token, site.book, deeds) as edge:
        await edge.connected()
        storm = [
            asyncio.create_task(site.one.dispatch(site.device, timeout_ms=60_000))
            for _ in range(most + 20)
        ]
        await eventually(lambda: deeds.begun == MAX_PARALLEL and len(site.one.fleet.results) > 0)
        refused = 0
        async with asyncio.timeout(60):
            while refused < 20:
                refused = sum(task.done() for task in storm)
                await asyncio.sleep(0.01)
        deeds.gate.set()
        answers = await asyncio.gather(*storm, return_exceptions=True)
        assert sum(isinstance(answer, RateLimited) for answer in answers) == 20
        assert sum(isinstance(answer, CommandRow) for answer in answers) == most
        assert (len(deeds.done), deeds.most) == (most, MAX_PARALLEL)


async def test_a_group_is_told_at_once_with_a_result_each(site: Site) -> None:
    for number in (2, 3):
        await site.one.register(f"edge-00{number}")
    admin = site.one.context(Role.ADMIN)
    names = ("edge-001", "edge-002", "edge-003")
    group = await resolvers.create_group(admin, CreateGroup.of(name="Hall", devices=names))

    async def tell(kind: CommandType, key: str) -> dict[str, CommandRow]:
        command = DispatchGroupCommand.of(group_id=group.id, type=kind, key=key)
        bulk, rows = await resolvers.dispatch_group_command(admin, command)
        found = await resolvers.list_commands(admin, CommandFilter(bulk_id=bulk.id), PageRequest())
        assert {row.id for row in found.rows} == {row.id for row in rows}
        members = {d.id: d.identifier for d in await resolvers.group_members(admin, group.id)}
        return {members[row.device_id]: row for row in rows}

    async with linked_edge(lambda: site.two.url, site.token, site.book, free()) as edge:
        await edge.connected()
        rows = await tell(T.FORCE_SYNC, "bulk-1")
        assert [rows[name].state for name in names] == ["SUCCEEDED", "QUEUED", "QUEUED"]
        assert await tell(T.FORCE_SYNC, "bulk-1") == rows
        assert len(edge.deeds.done) == 1
        with pytest.raises(Conflict):
            await tell(T.PULL_LOGS, "bulk-1")
        rows = await tell(T.ENABLE_DEVICE, "bulk-2")
        assert [rows[name].state for name in names] == ["SUCCEEDED", "FAILED", "FAILED"]
        assert rows["edge-002"].error_code == "OFFLINE"


async def test_a_configuration_reaches_its_device(site: Site) -> None:
    async def put(**document: object) -> int:
        command = SetConfiguration.of(device="edge-001", document=document, merge=False)
        return (await resolvers.set_configuration(site.two.context(), command)).version

    async def reported(version: int) -> Any:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                found = await resolvers.reported_configuration(site.two.context(), "edge-001")
                if found is not None and found.version == version:
                    return found
                await asyncio.sleep(0.005)

    await put(a=1)
    async with linked_edge(lambda: site.one.url, site.token, site.book, free()) as edge:
        assert orjson.loads((await reported(1)).document) == {"a": 1}
        assert edge.configuration.applied == 1
        await put(a=2)
        assert (await reported(2)).error is None
        await put(bad=1)
        assert (await reported(3)).error == "bad: not a setting of this edge"
        assert edge.configuration.document == {"a": 2}


async def test_a_removed_devices_callers_are_told(site: Site) -> None:
    async with raw_device(site.one.url, site.token) as device:
        asking = asyncio.create_task(site.one.dispatch(site.device, timeout_ms=60_000))
        await device.hear("command")
        await resolvers.remove_device(site.two.context(), "edge-001")
        assert (await asking).error_code == "REMOVED"


async def test_a_queued_command_expires(site: Site) -> None:
    queued = await site.one.dispatch(site.device)
    async with site.one.context().transaction() as work:
        await outcomes.run_out(work, queued.id, CommandState.EXPIRED)
    done = await ends(site.two, queued)
    assert (done.state, done.error_code) == (CommandState.EXPIRED, "EXPIRED")

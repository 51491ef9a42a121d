"""Export tasks: written once, taken up again when their worker is gone, in turns; files that go
when their time is over."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import update

from domain.jobs.exports import events, repository
from domain.jobs.exports.models import ExportStatus, ExportTask
from domain.jobs.exports.worker import ExportWorker
from domain.kernel.actor import system_actor
from domain.kernel.columns import table_of
from domain.kernel.errors import Conflict
from domain.kernel.ids import new_id
from tests.support.databases import new_customer
from tests.support.exports import (
    LEASE_S,
    SETTINGS,
    House,
    Slow,
)
from tests.support.log import facts
from tests.support.waiting import DEADLINE_S


async def test_a_task_is_written_and_told(house: House) -> None:
    codes = await house.scans(2_501)
    await house.scans(5, await new_customer(house.database, "Dairy Two"))
    task = await house.requested()
    assert (task.status, task.has_file) == (ExportStatus.PENDING, False)
    house.clock.advance(5)
    assert await house.worker().round() == 1
    done = await house.task(task)
    assert (done.status, done.rows, done.error) == (ExportStatus.SUCCESSFUL, 2_501, None)
    assert done.completed_at_us == house.clock.now_us()
    assert [line["code"] for line in await house.lines(done)] == codes[::-1]
    assert house.held() == [f"exports/{task.id}"]
    assert await house.told() == [events.REQUESTED, events.SUCCEEDED]
    assert await house.worker().round() == 0


async def test_an_empty_window_is_a_file_with_a_head(house: House) -> None:
    task = await house.requested()
    await house.worker().round()
    done = await house.task(task)
    assert (done.status, done.rows) == (ExportStatus.SUCCESSFUL, 0)
    assert done.size_bytes > 0
    assert await house.lines(done) == []


async def test_many_workers_write_it_once(house: House) -> None:
    await house.scans(10)
    tasks = [await house.requested() for _ in range(3)]
    done = await asyncio.gather(*(house.worker().round() for _ in range(4)))
    assert sum(done) == 3
    assert house.held() == sorted(f"exports/{task.id}" for task in tasks)
    assert (await house.told()).count(events.SUCCEEDED) == 3


async def test_what_a_dead_worker_held_is_taken_up_again(house: House) -> None:
    codes = await house.scans(3)
    task = await house.requested()
    async with house.transactions.begin(system_actor("test", house.customer_id)) as work:
        until_us = work.now_us + round(LEASE_S * 1e6)
        assert await repository.take(work.session, task.id, new_id(), work.now_us, until_us)
    assert await house.worker().round() == 0
    house.clock.advance(LEASE_S - 1)
    assert await house.worker().round() == 0
    assert (await house.task(task)).status is ExportStatus.PENDING
    house.clock.advance(1)
    assert await house.worker().round() == 1
    done = await house.task(task)
    assert (done.status, done.attempts) == (ExportStatus.SUCCESSFUL, 2)
    assert len(await house.lines(done)) == len(codes)


async def test_one_that_was_slow_does_not_end_anothers_task(house: House) -> None:
    await house.scans(3)
    task = await house.requested()
    slow = Slow(house.files)
    late = asyncio.create_task(house.worker(slow).round())  # type: ignore[arg-type]
    async with asyncio.timeout(DEADLINE_S):
        await slow.waits.wait()
    house.clock.advance(LEASE_S)
    assert await house.worker().round() == 1
    done = await house.task(task)
    slow.go.set()
    assert await late == 0
    assert await house.task(task) == done
    assert house.held() == [f"exports/{task.id}"]
    assert (await house.told()).count(events.SUCCEEDED) == 1


async def test_one_that_goes_on_keeps_its_task(house: House) -> None:
    await house.scans(1_500)
    task = await house.requested()
    slow = Slow(house.files)
    running = asyncio.create_task(house.worker(slow).round())  # type: ignore[arg-type]
    async with asyncio.timeout(DEADLINE_S):
        await slow.waits.wait()
    house.clock.advance(LEASE_S / 2)
    slow.go.set()
    assert await running == 1
    assert (await house.task(task)).attempts == 1


async def test_a_worker_that_is_stopped_leaves_its_task_to_others(house: House) -> None:
    await house.scans(3)
    task = await house.requested()
    slow = Slow(house.files)
    running = asyncio.create_task(house.worker(slow).run())  # type: ignore[arg-type]
    async with asyncio.timeout(DEADLINE_S):
        await slow.waits.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    found = await house.task(task)
    assert (found.status, found.attempts) == (ExportStatus.PENDING, 0)
    assert house.held() == []
    assert await house.worker().round() == 1
    found = await house.task(task)
    assert (found.status, found.attempts) == (ExportStatus.SUCCESSFUL, 1)


async def test_one_that_is_stopped_takes_nothing_from_whoever_came_after(house: House) -> None:
    await house.scans(3)
    task = await house.requested()
    slow, other = Slow(house.files), Slow(house.files)
    late = asyncio.create_task(house.worker(slow).round())  # type: ignore[arg-type]
    async with asyncio.timeout(DEADLINE_S):
        await slow.waits.wait()
    house.clock.advance(LEASE_S)
    taken = asyncio.create_task(house.worker(other).round())  # type: ignore[arg-type]
    async with asyncio.timeout(DEADLINE_S):
        await other.waits.wait()
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    assert (await house.task(task)).attempts == 2
    assert await house.worker().round() == 0
    other.go.set()
    assert await taken == 1


async def test_files_go_when_their_time_is_over(house: House) -> None:
    tasks = [await house.requested() for _ in range(2)]
    worker = house.worker()
    assert await worker.round() == 2
    house.clock.advance(SETTINGS.file_s - 1)
    assert await worker.retire() == 0
    assert [(await house.task(task)).has_file for task in tasks] == [True, True]
    house.clock.advance(1)
    assert await worker.retire() == 2
    for task in tasks:
        found = await house.task(task)
        assert (found.status, found.has_file) == (ExportStatus.SUCCESSFUL, False)
    assert house.held() == []


async def test_files_go_while_another_is_written(house: House) -> None:
    old = await house.requested()
    await house.worker().round()
    house.clock.advance(SETTINGS.file_s)
    await house.requested()
    slow = Slow(house.files)
    worker = house.worker(slow)  # type: ignore[arg-type]
    running = asyncio.create_task(worker.round())
    async with asyncio.timeout(DEADLINE_S):
        await slow.waits.wait()
    assert await worker.retire() == 1
    assert not (await house.task(old)).has_file
    slow.go.set()
    assert await running == 1


async def test_files_may_be_kept_for_ever(house: House) -> None:
    task = await house.requested()
    services = replace(house.services(), settings=replace(SETTINGS, file_s=0.0))
    worker = ExportWorker(house.transactions, services)
    await worker.round()
    house.clock.advance(10**8)
    assert await worker.retire() == 0
    assert (await house.task(task)).has_file


async def test_customers_take_turns(house: House) -> None:
    many = [await house.requested() for _ in range(3)]
    others = []
    for name in ("Dairy Two", "Dairy Three"):
        other = replace(house, customer_id=await new_customer(house.database, name))
        others.append(await other.requested())
    assert await house.worker().round() == 5
    ended = [row.key for row in await facts(house.database, events.STREAM) if is_end(row.kind)]
    assert ended == [one.id for one in (many[0], *others, *many[1:])]


def is_end(kind: str) -> bool:
    return kind == events.SUCCEEDED


async def test_who_has_one_under_way_waits_for_who_has_none(house: House) -> None:
    first, second = [await house.requested() for _ in range(2)]
    other = replace(house, customer_id=await new_customer(house.database, "Dairy Two"))
    async with house.transactions.begin(system_actor("test", house.customer_id)) as work:
        until_us = work.now_us + round(LEASE_S * 1e6)
        assert await repository.take(work.session, first.id, new_id(), work.now_us, until_us)
    third = await other.requested()
    assert await house.worker().round() == 2
    ended = [row.key for row in await facts(house.database, events.STREAM) if is_end(row.kind)]
    assert ended == [third.id, second.id]


async def test_tasks_are_trimmed_when_they_are_over(house: House) -> None:
    running, ended, kept = [await house.requested() for _ in range(3)]
    async with house.database.engine.begin() as connection:
        table = table_of(ExportTask)
        failed = update(table).where(table.c.id == ended.id)
        await connection.execute(failed.values(status=ExportStatus.FAILED))
        done = update(table).where(table.c.id == kept.id)
        values = {"status": ExportStatus.SUCCESSFUL, "object_key": "exports/x"}
        await connection.execute(done.values(values))
    async with house.transactions.begin(system_actor("test", house.customer_id)) as work:
        removed = await repository.trim(work.session, 2**52, 10)
    assert removed.rows == 1
    for task in (running, kept):
        await house.task(task)


async def test_no_more_than_so_many_at_once(house: House) -> None:
    for _ in range(SETTINGS.most_pending):
        await house.requested()
    with pytest.raises(Conflict):
        await house.requested()
    await house.worker().round()
    await house.requested()

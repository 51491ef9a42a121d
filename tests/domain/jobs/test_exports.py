"""Export tasks: written once, taken up again when their worker is gone, given up in the end; files
that go when their time is over."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from domain.jobs.exports import events, operations, repository
from domain.jobs.exports.commands import ExportScans
from domain.jobs.exports.models import ExportStatus, ExportTask
from domain.jobs.exports.ports import ExportServices, ExportSettings
from domain.jobs.exports.rows import ExportTaskRow
from domain.jobs.exports.storage import sweep_exports
from domain.jobs.exports.worker import GIVEN_UP, ExportWorker
from domain.kernel.actor import system_actor
from domain.kernel.artifacts import ArtifactStore, ReceivedArtifact
from domain.kernel.columns import table_of
from domain.kernel.database import Database
from domain.kernel.errors import Conflict, Unavailable
from domain.kernel.ids import new_id
from domain.kernel.uow import Transactions
from domain.production.models import ScanSource
from domain.production.repository.scans import SCAN
from drivers.artifacts.store import LocalArtifacts
from tests.support.clocks import ManualClock
from tests.support.databases import new_customer
from tests.support.log import facts
from tests.support.waiting import DEADLINE_S

LEASE_S = 30.0
RETRY_S = 60.0
SETTINGS = ExportSettings(
    lease_s=LEASE_S, look_s=0.01, most_attempts=3, most_pending=3, retry_s=RETRY_S
)


@dataclass
class House:
    """Exports on a real database and a real folder."""

    database: Database
    transactions: Transactions
    clock: ManualClock
    customer_id: int
    folder: Path
    files: ArtifactStore = field(init=False)

    def __post_init__(self) -> None:
        self.files = LocalArtifacts(self.folder)

    def services(self, files: ArtifactStore | None = None) -> ExportServices:
        return ExportServices(files or self.files, settings=SETTINGS)

    def worker(self, files: ArtifactStore | None = None) -> ExportWorker:
        return ExportWorker(self.transactions, self.services(files))

    async def requested(self) -> ExportTaskRow:
        command = ExportScans.of(from_us=0, to_us=2**60)
        async with self.transactions.begin(system_actor("test", self.customer_id)) as work:
            return await operations.request(work, command, self.services())

    async def task(self, task: ExportTaskRow) -> ExportTaskRow:
        async with self.database.read() as session:
            found = await repository.task_of(session, self.customer_id, task.id)
        assert found is not None
        return found

    async def scans(self, count: int, customer_id: int | None = None) -> list[str]:
        """Their codes, the oldest first."""
        row = {
            "customer_id": customer_id or self.customer_id,
            "valid": False,
            "duplicate": False,
            "source": ScanSource.API,
            "scanned_at_us": 10**15,
            "recorded_at_us": 10**15,
        }
        rows = [row | {"id": new_id(), "code": f"code {number}"} for number in range(count)]
        async with self.database.engine.begin() as connection:
            await connection.execute(insert(SCAN), rows)
        return [str(row["code"]) for row in rows]

    async def lines(self, task: ExportTaskRow) -> list[dict[str, str]]:
        assert task.object_key is not None
        chunks = self.files.read(task.object_key, 0, task.size_bytes)
        text = b"".join([chunk async for chunk in chunks]).decode()
        return list(csv.DictReader(io.StringIO(text)))

    def held(self) -> list[str]:
        paths = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.folder)) for path in paths)

    async def told(self) -> list[str]:
        return [row.kind for row in await facts(self.database, events.STREAM)]


@pytest.fixture
def house(
    database: Database,
    transactions: Transactions,
    clock: ManualClock,
    customer_id: int,
    tmp_path: Path,
) -> House:
    return House(database, transactions, clock, customer_id, tmp_path / "files")


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


class Slow:
    """A store whose uploads wait until they are let go, after their first chunk."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self.waits = asyncio.Event()
        self.go = asyncio.Event()

    async def receive(self, chunks: AsyncIterator[bytes], max_bytes: int) -> ReceivedArtifact:
        async def held() -> AsyncIterator[bytes]:
            async for chunk in chunks:
                yield chunk
                self.waits.set()
                await self.go.wait()

        return await self._store.receive(held(), max_bytes)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


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


class Broken:
    """A store that takes nothing; what it has, it has."""

    def __init__(self, store: ArtifactStore, error: Exception) -> None:
        self._store, self._error = store, error

    async def receive(self, _chunks: AsyncIterator[bytes], _max_bytes: int) -> ReceivedArtifact:
        raise self._error

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


class Away(Broken):
    """A store that does not even remove."""

    async def discard(self, _key: str) -> None:
        raise self._error


AWAY = Unavailable("The artifact storage cannot take this now")


async def left_behind(house: House, task: ExportTaskRow) -> str:
    """What a worker published that was killed before it said so; its key."""

    async def content() -> AsyncIterator[bytes]:
        yield b"left"

    received = await house.files.receive(content(), 10)
    await house.files.publish(received, f"exports/{task.id}")
    return f"exports/{task.id}"


async def broken_off(house: House, worker: ExportWorker) -> None:
    """All the attempts there are."""
    for number in range(SETTINGS.most_attempts):
        assert await worker.round() == 0
        house.clock.advance(RETRY_S * 2**number)


@pytest.mark.parametrize("store", [Broken, Away])
async def test_storage_that_is_away_is_tried_again_and_given_up(
    house: House, store: type[Broken]
) -> None:
    task = await house.requested()
    worker = house.worker(store(house.files, AWAY))  # type: ignore[arg-type]
    for attempt in range(1, SETTINGS.most_attempts + 1):
        assert await worker.round() == 0
        found = await house.task(task)
        assert (found.status, found.attempts) == (ExportStatus.PENDING, attempt)
        house.clock.advance(RETRY_S * 2 ** (attempt - 1))
    assert await worker.round() == 1
    found = await house.task(task)
    assert (found.status, found.error) == (ExportStatus.FAILED, GIVEN_UP)
    assert await house.told() == [events.REQUESTED, events.FAILED]
    house.clock.advance(LEASE_S)
    assert await house.worker().round() == 0


async def test_a_short_outage_takes_one_attempt(house: House) -> None:
    task = await house.requested()
    broken = house.worker(Broken(house.files, AWAY))  # type: ignore[arg-type]
    for number, pause_s in enumerate((RETRY_S, 2 * RETRY_S), 1):
        await broken.round()
        house.clock.advance(pause_s - 1)
        for _ in range(5):
            assert await broken.round() == 0
        assert (await house.task(task)).attempts == number
        house.clock.advance(1)
    assert await house.worker().round() == 1
    found = await house.task(task)
    assert (found.status, found.attempts) == (ExportStatus.SUCCESSFUL, 3)


async def test_what_was_published_goes_when_a_task_is_given_up(house: House) -> None:
    task = await house.requested()
    key = await left_behind(house, task)
    worker = house.worker(Broken(house.files, AWAY))  # type: ignore[arg-type]
    await broken_off(house, worker)
    assert house.held() == [key]
    assert await worker.round() == 1
    assert (await house.task(task)).error == GIVEN_UP
    assert house.held() == []


async def test_what_was_published_goes_when_a_task_breaks(house: House) -> None:
    task = await house.requested()
    await left_behind(house, task)
    worker = house.worker(Broken(house.files, ValueError("x")))  # type: ignore[arg-type]
    assert await worker.round() == 1
    assert (await house.task(task)).status is ExportStatus.FAILED
    assert house.held() == []


async def test_files_that_no_task_names_are_swept_up(house: House) -> None:
    given_up = await house.requested()
    worker = house.worker(Away(house.files, AWAY))  # type: ignore[arg-type]
    await broken_off(house, worker)
    assert await worker.round() == 1
    done = await house.requested()
    await house.worker().round()
    running = await left_behind(house, await house.requested())
    lost = await left_behind(house, given_up)
    kept = sorted([running, f"exports/{done.id}"])
    assert await sweep_exports(house.database, house.files) == 0
    assert house.held() == sorted([*kept, lost])
    assert await sweep_exports(house.database, house.files, -10.0) == 1
    assert house.held() == kept


async def test_a_defect_fails_the_task_and_not_the_worker(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    first = await house.requested()
    broken = Broken(house.files, ValueError("x"))
    assert await house.worker(broken).round() == 1  # type: ignore[arg-type]
    found = await house.task(first)
    assert (found.status, found.error) == (ExportStatus.FAILED, "The export broke")
    assert "ValueError" in caplog.text
    second = await house.requested()
    assert await house.worker().round() == 1
    assert (await house.task(second)).status is ExportStatus.SUCCESSFUL


async def test_files_go_when_their_time_is_over(house: House) -> None:
    task = await house.requested()
    worker = house.worker()
    await worker.round()
    house.clock.advance(SETTINGS.file_s - 1)
    await worker.round()
    assert (await house.task(task)).has_file
    house.clock.advance(1)
    await worker.round()
    found = await house.task(task)
    assert (found.status, found.has_file) == (ExportStatus.SUCCESSFUL, False)
    assert house.held() == []


async def test_files_may_be_kept_for_ever(house: House) -> None:
    task = await house.requested()
    services = replace(house.services(), settings=replace(SETTINGS, file_s=0.0))
    worker = ExportWorker(house.transactions, services)
    await worker.round()
    house.clock.advance(10**8)
    await worker.round()
    assert (await house.task(task)).has_file


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

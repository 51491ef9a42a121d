"""Export tasks that break off: tried again in a while, given up in the end, and of what they left
behind nothing stays."""

import asyncio

import pytest

from domain.jobs.exports import events
from domain.jobs.exports.models import ExportStatus
from domain.jobs.exports.storage import sweep_exports
from domain.jobs.exports.worker import GIVEN_UP, ExportWorker
from drivers.artifacts.store import s3_artifacts
from tests.support.exports import AWAY, LEASE_S, RETRY_S, SETTINGS, Away, Broken, House, left_behind
from tests.support.s3 import silent_s3


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


async def test_a_worker_that_is_stopped_before_silent_storage_gives_its_task_back(
    house: House,
) -> None:
    task = await house.requested()
    async with silent_s3() as bucket:
        silent = s3_artifacts(
            "artifacts",
            endpoint=bucket.url,
            access_key_id="key",
            secret_access_key="secret",
            retries=0,
            grace_s=0.1,
        )
        working = asyncio.create_task(house.worker(silent).run())
        await bucket.called.wait()
        working.cancel()
        ended, _ = await asyncio.wait({working}, timeout=10)
        assert ended
        assert working.cancelled()
        assert (await house.task(task)).attempts == 0
        assert await house.worker().round() == 1  # at once, not when its time is over
    assert (await house.task(task)).status is ExportStatus.SUCCESSFUL

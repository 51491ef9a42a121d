"""Every read is kept, one bottle comes of each code, and an answer means committed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select, text

from domain.kernel.database import Database
from domain.kernel.errors import Conflict, Unavailable, ValidationFailed
from domain.production import events
from domain.production.commands import BottleFilter, RecordScan, ScanFilter
from domain.production.models import ScanSource
from domain.production.operations import bottles as bottle_operations
from domain.production.repository import bottles, scans
from domain.production.repository.scan_store import HOUR_US, ScanOutcome
from tests.support.codes import BAD, DOCUMENTED, TOO_SHORT, milk_codes
from tests.support.floor import Floor, create_command
from tests.support.intake import Door, door
from tests.support.log import facts


@pytest.fixture
async def line(floor: Floor) -> AsyncIterator[Door]:
    async with door(floor.database, floor.actor, floor.clock) as opened:
        yield opened


async def read(line: Door, code: str, **more: Any) -> ScanOutcome:
    return await line.intake.submit(line.actor, RecordScan(code, **more))


async def counted(floor: Floor) -> tuple[int, int]:
    """How many bottles and scans there are, seen by a connection of its own."""
    other = Database(floor.database.url.render_as_string(hide_password=False))
    try:
        async with other.read() as session:
            return (
                await bottles.count(session, floor.customer_id, BottleFilter()),
                await scans.count(session, floor.customer_id, ScanFilter()),
            )
    finally:
        await other.close()


async def test_good_bad_duplicate_and_no_read_are_all_kept(floor: Floor, line: Door) -> None:
    good = await read(line, DOCUMENTED, line_id="line-001", scanner_index=3)
    again = await read(line, DOCUMENTED)
    bad = await read(line, TOO_SHORT)
    nothing = await read(line, "NOREAD")
    empty = await read(line, "")
    assert (good.scan.valid, good.scan.duplicate, good.scan.reason) == (True, False, None)
    assert (again.scan.valid, again.scan.duplicate, again.scan.reason) == (True, True, "DUPLICATE")
    assert again.scan.bottle_id == good.scan.bottle_id
    assert again.bottle == good.bottle
    assert (bad.scan.valid, bad.scan.reason) == (False, "BAD_LENGTH")
    assert bad.scan.message == "Invalid code length for industry"
    assert (nothing.scan.reason, empty.scan.valid) == ("NO_READ", False)
    assert await counted(floor) == (1, 5)
    async with floor.database.read() as session:
        stored = await scans.by_ids(session, floor.customer_id, [good.scan.id, bad.scan.id])
    assert stored == {good.scan.id: good.scan, bad.scan.id: bad.scan}
    assert good.bottle == await floor.bottle_now(good.bottle.id if good.bottle else "")


async def test_the_fact_carries_what_was_stored(floor: Floor, line: Door) -> None:
    done = await read(line, DOCUMENTED, line_id="line-001")
    (fact,) = await facts(floor.database, events.STREAM)
    assert (fact.kind, fact.key) == (events.SCAN_RECORDED, "line-001")
    assert fact.data["scan"]["id"] == done.scan.id
    assert done.bottle is not None
    assert fact.data["bottle"]["id"] == done.bottle.id


async def test_duplicates_within_one_group_make_one_bottle(floor: Floor, line: Door) -> None:
    first, second = milk_codes(2)
    await read(line, TOO_SHORT)  # the connection is open now
    codes = [first, second, first, first, second]
    done = await asyncio.gather(*[read(line, code) for code in codes])
    assert max(line.store.sizes) >= 4, "not grouped"
    assert [one.scan.duplicate for one in done] == [False, False, True, True, True]
    assert len({one.scan.bottle_id for one in done}) == 2
    assert await counted(floor) == (2, 6)


async def test_a_lost_or_replaced_separator_is_the_same_bottle(floor: Floor, line: Door) -> None:
    (code,) = milk_codes(1)
    forms = [code, code.replace("\x1d", ""), code.replace("\x1d", "<GS>"), f"]d2{code}\r\n"]
    done = [await read(line, form) for form in forms]
    assert len({one.scan.bottle_id for one in done}) == 1
    assert [one.scan.duplicate for one in done] == [False, True, True, True]
    assert [one.scan.code for one in done] == forms
    assert await counted(floor) == (1, 4)


async def test_a_bottle_made_in_bulk_is_a_duplicate_when_it_is_scanned(
    floor: Floor, line: Door
) -> None:
    (made,) = await floor.create([DOCUMENTED])
    done = await read(line, DOCUMENTED)
    assert (done.scan.duplicate, done.scan.bottle_id) == (True, made.id)
    assert done.bottle == made


async def test_two_processes_read_the_same_codes_and_make_each_bottle_once(floor: Floor) -> None:
    codes = milk_codes(150)
    url = floor.database.url.render_as_string(hide_password=False)
    second = Database(url)
    random = Random(3)
    try:
        async with (
            door(floor.database, floor.actor, floor.clock) as one,
            door(second, floor.actor, floor.clock) as two,
        ):
            doors = [random.choice((one, two)) for _ in range(4 * len(codes))]
            read_codes = codes * 4
            random.shuffle(read_codes)
            done = await asyncio.gather(*map(read, doors, read_codes))
    finally:
        await second.close()
    fresh = [outcome for outcome in done if not outcome.scan.duplicate]
    assert len(fresh) == len(codes)
    by_code: dict[str, set[str | None]] = {}
    for outcome in done:
        by_code.setdefault(outcome.scan.code, set()).add(outcome.scan.bottle_id)
    assert all(len(ids) == 1 for ids in by_code.values())
    assert await counted(floor) == (len(codes), 4 * len(codes))
    assert await rollups_agree(floor)


async def test_scans_and_bulk_creation_race_for_the_same_codes(floor: Floor, line: Door) -> None:
    codes = milk_codes(60)

    async def created(code: str) -> bool:
        command = create_command([code])
        try:
            async with floor.transactions.begin(floor.actor) as work:
                await bottle_operations.create_bottles(work, command, floor.codes.read)
        except Conflict:
            return False
        return True

    done = await asyncio.gather(
        *[read(line, code) for code in codes], *[created(code) for code in reversed(codes)]
    )
    scanned = sum(not one.scan.duplicate for one in done if isinstance(one, ScanOutcome))
    assert scanned + done.count(True) == len(codes)
    assert (await counted(floor))[0] == len(codes)


async def rollups_agree(floor: Floor) -> bool:
    """The totals that are kept equal those that are counted."""
    async with floor.database.read() as session:
        kept: Any = (await session.execute(select(scans.ROLLUP))).all()
        for row in kept:
            ours = (
                (scans.SCAN.c.customer_id == row.customer_id)
                & (func.coalesce(scans.SCAN.c.line_id, "") == row.line_id)
                & (scans.SCAN.c.recorded_at_us >= row.hour_us)
                & (scans.SCAN.c.recorded_at_us < row.hour_us + HOUR_US)
            )
            duplicate = scans.SCAN.c.duplicate
            found = await session.execute(
                select(
                    func.count(),
                    func.count().filter(scans.SCAN.c.valid & ~duplicate),
                    func.count().filter(duplicate),
                    func.max(scans.SCAN.c.recorded_at_us),
                    func.min(scans.SCAN.c.scanned_at_us),
                ).where(ours)
            )
            last = select(scans.SCAN.c.id).where(ours).order_by(scans.SCAN.c.id.desc()).limit(1)
            if (*found.one(), await session.scalar(last)) != tuple(row)[3:]:
                return False
        total, _ = await scans.total(session, floor.customer_id)
        return total == await scans.count(session, floor.customer_id, ScanFilter())


async def test_rollups_equal_what_is_counted(floor: Floor, line: Door) -> None:
    random, codes = Random(5), milk_codes(10)
    for _ in range(6):
        await asyncio.gather(
            *[
                read(
                    line,
                    random.choice([*codes, BAD, "NOREAD"]),
                    line_id=random.choice([None, "line-001", "line-002"]),
                )
                for _ in range(20)
            ]
        )
        floor.clock.advance(1_300)
    async with floor.database.read() as session:
        hours: Any = (await session.execute(select(scans.ROLLUP.c.hour_us).distinct())).all()
    assert len(hours) >= 2
    assert await rollups_agree(floor)


@pytest.mark.parametrize(
    "noise",
    ["\0", f"{DOCUMENTED}\0", "a\0b\0", "\ud800", "\udfff\ud800x", "x" * 10_240, "🥛" * 3_000],
    ids=["nul", "code-nul", "nuls", "surrogate", "surrogates", "10kB", "wide"],
)
async def test_noise_is_kept_as_far_as_it_can_be(floor: Floor, line: Door, noise: str) -> None:
    neighbours = milk_codes(4)
    done = await asyncio.gather(*[read(line, code) for code in [*neighbours[:2], noise]])
    assert [one.scan.valid for one in done[:2]] == [True, True]
    assert done[2].scan.code
    assert len(done[2].scan.code) <= 4096
    assert done[2].scan.code.isascii() or "\0" not in done[2].scan.code
    async with floor.database.read() as session:
        stored = await scans.by_ids(session, floor.customer_id, [done[2].scan.id])
    assert stored[done[2].scan.id] == done[2].scan


@pytest.mark.parametrize(
    "wrong",
    [
        {"line_id": ""},
        {"line_id": "x" * 129},
        {"line_id": "a\0"},
        {"line_id": "\ud800"},
        {"scanner_index": -1},
        {"scanner_index": 2**40},
        {"scanned_at_us": 2**62},
        {"scanned_at_us": -(2**62)},
    ],
    ids=str,
)
async def test_what_a_caller_says_about_a_read_is_checked(
    floor: Floor, line: Door, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ValidationFailed):
        await read(line, DOCUMENTED, **wrong)
    assert await counted(floor) == (0, 0)


async def test_the_time_of_reading_is_kept_even_if_it_is_the_epoch(
    floor: Floor, line: Door
) -> None:
    given = await read(line, DOCUMENTED, scanned_at_us=0, source=ScanSource.SCANNER)
    assert (given.scan.scanned_at_us, given.scan.recorded_at_us) == (0, floor.clock.now_us())
    assert given.scan.source is ScanSource.SCANNER
    without = await read(line, TOO_SHORT)
    assert without.scan.scanned_at_us == floor.clock.now_us()


async def test_an_answer_means_that_another_connection_reads_it(floor: Floor, line: Door) -> None:
    for expected, code in enumerate(milk_codes(5), 1):
        await read(line, code)
        assert await counted(floor) == (expected, expected)


async def test_closing_finishes_what_waits_and_refuses_the_rest(floor: Floor) -> None:
    async with door(floor.database, floor.actor, floor.clock) as line:
        waiting = [asyncio.create_task(read(line, code)) for code in milk_codes(700)]
        await asyncio.sleep(0)
        await line.intake.close()
        done = await asyncio.gather(*waiting)
        assert len(done) == 700
        with pytest.raises(Unavailable):
            await read(line, DOCUMENTED)
    assert await counted(floor) == (700, 700)


async def test_storage_that_is_gone_is_unavailable_and_comes_back(floor: Floor) -> None:
    if floor.database.is_sqlite:
        pytest.skip("a file does not hang up")
    async with door(floor.database, floor.actor, floor.clock) as line:
        await read(line, DOCUMENTED)
        async with floor.database.engine.begin() as connection:
            await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            )
        # The next one is refused or, if the end was noticed already, goes over a new connection.
        with suppress(Unavailable):
            await read(line, milk_codes(1)[0])
        assert (await read(line, milk_codes(1)[0])).scan.valid

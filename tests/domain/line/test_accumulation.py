"""Accumulation: each accepted bottle is packed once, whatever happens between two pages."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from domain.kernel import eventlog
from domain.kernel.paging import PageRequest
from domain.kernel.tail import LogTail
from domain.kernel.uow import UnitOfWork
from domain.line.operations.accumulation import READER, Accumulation, accumulate
from domain.production.commands import (
    BatchFilter,
    CreateBatch,
    MoveBottles,
    PalletFilter,
    RecordScan,
)
from domain.production.models import AggregateStatus, ScanSource
from domain.production.operations import packing
from domain.production.repository import aggregates
from domain.production.rows import BatchRow, PalletRow
from oktograph.edge.accumulator import Accumulator
from tests.support.codes import TOO_SHORT
from tests.support.floor import ORIGIN, PREFIX, Floor
from tests.support.intake import Door, door
from tests.support.waiting import DEADLINE_S

PLAN = Accumulation(batch_size=5, pallet_size=2, company_prefix=PREFIX, origin=ORIGIN)
LINE = "line-001"
WINDOW = PageRequest(500)


class Crash(Exception):
    """The process ended here."""


@pytest.fixture
async def line(floor: Floor) -> AsyncIterator[Door]:
    async with door(floor.database, floor.actor, floor.clock) as opened:
        yield opened


async def scan(floor: Floor, line: Door, count: int, line_id: str | None = LINE) -> list[str]:
    """The ids of the bottles that came of so many fresh codes."""
    made = []
    for code in floor.fresh_codes(count):
        done = await line.intake.submit(
            line.actor, RecordScan(code, line_id=line_id, source=ScanSource.SCANNER)
        )
        assert done.bottle is not None
        made.append(done.bottle.id)
    return made


async def page(floor: Floor, size: int = 500, *, crash: bool = False) -> int:
    """One page, as the accumulator takes it; how many facts it had."""
    async with floor.database.read() as session:
        after = await eventlog.reader_position(session, READER)
        rows = await eventlog.read_after(session, after, size)
    if not rows:
        return 0

    async def act(work: UnitOfWork) -> None:
        await accumulate(work, PLAN, rows)
        if crash:
            raise Crash

    await floor.do(act)
    return len(rows)


async def whole_log(floor: Floor, size: int = 500) -> None:
    while await page(floor, size):
        pass


async def batches(floor: Floor) -> list[BatchRow]:
    """Oldest first."""
    async with floor.database.read() as session:
        found = await aggregates.batch_page(session, floor.customer_id, BatchFilter(), WINDOW)
    return list(found.rows)[::-1]


async def pallets(floor: Floor) -> list[PalletRow]:
    async with floor.database.read() as session:
        found = await aggregates.pallet_page(session, floor.customer_id, PalletFilter(), WINDOW)
    return list(found.rows)[::-1]


async def packed(floor: Floor) -> list[str]:
    """The bottles in batches, in the order of batches."""
    return [row.id for batch in await batches(floor) for row in await floor.inside(batch.id)]


async def test_batches_fill_to_their_size_and_pallets_to_theirs(floor: Floor, line: Door) -> None:
    made = await scan(floor, line, 23)
    await whole_log(floor)
    found = await batches(floor)
    assert [batch.bottle_count for batch in found] == [5, 5, 5, 5, 3]
    assert [batch.status for batch in found[:4]] == [AggregateStatus.COMPLETE] * 4
    assert found[4].status is AggregateStatus.IN_PROGRESS
    loaded = await pallets(floor)
    assert [pallet.batch_count for pallet in loaded] == [2, 2]
    assert {pallet.status for pallet in loaded} == {AggregateStatus.COMPLETE}
    assert [batch.pallet_id for batch in found[:4]] == [
        pallet.id for pallet in loaded for _ in range(2)
    ]
    assert sorted(await packed(floor)) == sorted(made)
    assert {batch.line_id for batch in found} == {LINE}


async def test_an_open_batch_goes_on_over_pages(floor: Floor, line: Door) -> None:
    for count in (2, 1, 4):
        await scan(floor, line, count)
        await whole_log(floor)
    assert [batch.bottle_count for batch in await batches(floor)] == [5, 2]
    assert len(await pallets(floor)) == 1


async def test_what_was_read_on_no_line_in_particular_accumulates_too(
    floor: Floor, line: Door
) -> None:
    for _ in range(4):
        await scan(floor, line, 3, line_id=None)
        await whole_log(floor)
    assert [batch.bottle_count for batch in await batches(floor)] == [5, 5, 2]
    assert [pallet.batch_count for pallet in await pallets(floor)] == [2]


async def test_lines_have_batches_of_their_own(floor: Floor, line: Door) -> None:
    for line_id in ("line-001", "line-002", None, "line-001", "line-002", None):
        await scan(floor, line, 2, line_id=line_id)
        await whole_log(floor)
    found = await batches(floor)
    assert [(batch.line_id, batch.bottle_count) for batch in found] == [
        ("line-001", 4),
        ("line-002", 4),
        (None, 4),
    ]


async def test_a_batch_without_a_size_does_not_hide_the_one_with_room(
    floor: Floor, line: Door
) -> None:
    by_hand = CreateBatch.of(line_id=LINE)
    await floor.do(partial(packing.create_batch, command=by_hand, origin=ORIGIN))
    for _ in range(3):
        await scan(floor, line, 1)
        await whole_log(floor)
    assert [batch.bottle_count for batch in await batches(floor)] == [0, 3]


async def test_bad_reads_and_duplicates_are_not_packed(floor: Floor, line: Door) -> None:
    (code,) = floor.fresh_codes(1)
    for one in (code, code, TOO_SHORT, "NOREAD"):
        await line.intake.submit(
            line.actor, RecordScan(one, line_id=LINE, source=ScanSource.SCANNER)
        )
    await whole_log(floor)
    assert [batch.bottle_count for batch in await batches(floor)] == [1]


@pytest.mark.parametrize("page_size", [1, 3, 7])
async def test_a_crash_between_pages_packs_each_bottle_once(
    floor: Floor, line: Door, page_size: int
) -> None:
    made = await scan(floor, line, 12)
    while sorted(await packed(floor)) != sorted(made):
        before = await floor.contents()
        with pytest.raises(Crash):
            await page(floor, page_size, crash=True)
        assert await floor.contents() == before
        assert await page(floor, page_size)
    await whole_log(floor)
    assert sorted(await packed(floor)) == sorted(made)
    assert [batch.bottle_count for batch in await batches(floor)] == [5, 5, 2]


async def test_what_people_scan_or_batch_themselves_is_left_alone(floor: Floor, line: Door) -> None:
    code = line.intake.codes.example()
    await line.intake.submit(line.actor, RecordScan(code, line_id=LINE))
    command = CreateBatch.of(batch_size=50, line_id=LINE)
    theirs = await floor.do(lambda work: packing.create_batch(work, command, "origin"))
    made = await scan(floor, line, 3)
    await whole_log(floor)
    assert sorted(await packed(floor)) == sorted(made)
    assert theirs.id not in {(await floor.bottle_now(key)).batch_id for key in made}


async def test_what_somebody_packed_by_hand_is_left_alone(floor: Floor, line: Door) -> None:
    made = await scan(floor, line, 3)
    mine = await floor.batch()
    move = MoveBottles.of(batch_id=mine.id, bottle_ids=(made[1],))
    await floor.do(partial(packing.add_bottles, command=move))
    await whole_log(floor)
    assert (await floor.bottle_now(made[1])).batch_id == mine.id
    assert sorted(await packed(floor)) == sorted(made)


async def test_the_accumulator_goes_on_where_it_was_stopped(
    floor: Floor, line: Door, tail: LogTail
) -> None:
    await scan(floor, line, 2)  # from before there was any accumulation: left as it is
    first = Accumulator(floor.transactions, tail, PLAN, floor.customer_id)
    await first.start()
    await first.stop()
    made: list[str] = []
    for _ in range(3):
        made += await scan(floor, line, 4)
        running = Accumulator(floor.transactions, tail, PLAN, floor.customer_id)
        await running.start()
        await all_packed(floor, tail, made)
        await running.stop()
    assert [batch.bottle_count for batch in await batches(floor)] == [5, 5, 2]


async def all_packed(floor: Floor, tail: LogTail, made: list[str]) -> None:
    """Returns when every one of these bottles is in a batch."""
    async with asyncio.timeout(DEADLINE_S):
        while sorted(await packed(floor)) != sorted(made):
            tail.wake()
            await asyncio.sleep(0.01)

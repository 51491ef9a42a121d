"""What trimming may drop, and what a cursor says when the log cannot go on from it."""

from typing import Final

import pytest

from domain.kernel import eventlog
from domain.kernel.actor import system_actor
from domain.kernel.database import Database
from domain.kernel.errors import StreamGap, ValidationFailed
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from tests.support.clocks import SECOND_US, ManualClock
from tests.support.waiting import eventually

ACTOR: Final = system_actor("test", 1)


async def write(transactions: Transactions, clock: ManualClock, count: int) -> None:
    """One row a second."""
    for _ in range(count):
        clock.advance(1)
        async with transactions.begin(ACTOR) as work:
            work.record("test", "happened", "")


async def trim(transactions: Transactions, before_us: int) -> int:
    async with transactions.begin(ACTOR) as work:
        return await eventlog.trim(work.session, before_us)


async def move(transactions: Transactions, name: str, seq: int) -> None:
    async with transactions.begin(ACTOR) as work:
        await eventlog.move_reader(work.session, name, seq)


async def seqs(database: Database) -> list[int]:
    async with database.read() as session:
        return [row.seq for row in await eventlog.read_after(session, 0, 1_000)]


async def position(database: Database, name: str) -> int:
    async with database.read() as session:
        return await eventlog.reader_position(session, name)


async def test_trimming_never_passes_a_durable_reader(
    database: Database, transactions: Transactions, clock: ManualClock
) -> None:
    await write(transactions, clock, 10)
    await move(transactions, "sync", 4)
    await move(transactions, "packer", 7)
    later_us = clock.now_us() + SECOND_US
    assert await trim(transactions, later_us) == 4
    assert await seqs(database) == [5, 6, 7, 8, 9, 10]
    assert await trim(transactions, later_us) == 4, "the slowest did not move"
    await move(transactions, "sync", 9)
    assert await trim(transactions, later_us) == 7
    assert await seqs(database) == [8, 9, 10]
    assert await position(database, "sync") == 9
    assert await position(database, "a new one") == 7, "nothing older is there to be read"


async def test_a_reader_at_the_beginning_keeps_everything(
    database: Database, transactions: Transactions, clock: ManualClock
) -> None:
    await write(transactions, clock, 5)
    await move(transactions, "sync", 0)
    assert await trim(transactions, clock.now_us() + SECOND_US) == 0
    assert await seqs(database) == [1, 2, 3, 4, 5]


async def test_what_is_young_stays(
    database: Database, transactions: Transactions, clock: ManualClock
) -> None:
    await write(transactions, clock, 10)
    assert await trim(transactions, clock.now_us() - 3 * SECOND_US) == 6
    assert await seqs(database) == [7, 8, 9, 10]


async def test_a_log_trimmed_to_its_end_goes_on_counting(
    database: Database, transactions: Transactions, clock: ManualClock, tail: LogTail
) -> None:
    await write(transactions, clock, 3)
    assert await trim(transactions, clock.now_us() + SECOND_US) == 3
    assert await seqs(database) == []
    async with database.read() as session:
        assert await eventlog.head(session) == 3
    assert await tail.position(tail.cursor(3)) == 3
    await write(transactions, clock, 1)
    assert await seqs(database) == [4]


async def test_a_cursor_that_the_log_still_reaches_goes_on(
    database: Database, transactions: Transactions, clock: ManualClock, tail: LogTail
) -> None:
    await write(transactions, clock, 6)
    await eventually(lambda: tail.head == 6)
    await trim(transactions, clock.now_us() - 2 * SECOND_US)
    assert await seqs(database) == [4, 5, 6]
    after = await tail.position(tail.cursor(4))
    assert [row.seq async for page in tail.replay(after) for row in page] == [5, 6]


@pytest.mark.parametrize("seq", [0, 2, 7])
async def test_a_trimmed_cursor_and_one_from_the_future_are_gaps(
    transactions: Transactions, clock: ManualClock, tail: LogTail, seq: int
) -> None:
    await write(transactions, clock, 6)
    await move(transactions, "sync", 3)
    await trim(transactions, clock.now_us() + SECOND_US)
    with pytest.raises(StreamGap) as refused:
        await tail.position(tail.cursor(seq))
    assert refused.value.details["oldest"] == tail.cursor(3)
    assert await tail.position(refused.value.details["oldest"]) == 3


async def test_a_cursor_of_another_log_is_a_gap(
    transactions: Transactions, clock: ManualClock, tail: LogTail
) -> None:
    await write(transactions, clock, 2)
    with pytest.raises(StreamGap):
        await tail.position("0" * len(tail.log_id) + ".1")


@pytest.mark.parametrize("cursor", ["", "1", ".", "x.", "x.-1", "x.1.5", "x.١", "x." + "9" * 19])
async def test_what_is_no_cursor_is_refused(tail: LogTail, cursor: str) -> None:
    with pytest.raises(ValidationFailed):
        await tail.position(cursor.replace("x", tail.log_id))


async def test_trimming_under_a_replay_is_a_gap(
    transactions: Transactions, clock: ManualClock, tail: LogTail
) -> None:
    await write(transactions, clock, 6)
    await eventually(lambda: tail.head == 6)
    pages = tail.replay(2)
    await trim(transactions, clock.now_us() + SECOND_US)
    with pytest.raises(StreamGap):
        await anext(pages)

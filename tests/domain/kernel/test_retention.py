"""What is kept long enough goes, in small batches, beside all other work."""

import asyncio
from typing import Final

import pytest

from domain.journal import operations as journal
from domain.journal import repository
from domain.journal.commands import ALL
from domain.kernel import retention as kernel
from domain.kernel.actor import system_actor
from domain.kernel.clock import SECOND_US, SystemClock
from domain.kernel.database import Database
from domain.kernel.errors import Unavailable
from domain.kernel.retention import Pace, Retention, Trimmed, Trimmer, by_session
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions, UnitOfWork
from tests.support.clocks import ManualClock
from tests.support.databases import TailWakeUps
from tests.support.waiting import eventually

YEAR_S: Final = 365 * 86_400.0
EVENTS: Final = by_session(repository.trim)
SMALL: Final = Pace(every_s=0.01, most_rows=kernel.FEWEST_ROWS)


@pytest.fixture
def clock() -> ManualClock:
    """Ids are by the real clock: this one begins there."""
    return ManualClock(SystemClock().now_us())


@pytest.fixture
def transactions(database: Database, clock: ManualClock, tail: LogTail) -> Transactions:
    return Transactions(database, clock, TailWakeUps(tail))


async def events(transactions: Transactions, customer_id: int, count: int) -> None:
    async with transactions.begin(system_actor("test", customer_id)) as work:
        for number in range(count):
            await journal.record(work, f"event {number}", category="TEST", source="test")


async def kept(database: Database, customer_id: int) -> int:
    async with database.read() as session:
        return await repository.count_events(session, customer_id, ALL)


def one(keep_s: float = YEAR_S) -> Retention:
    return Retention("journal_event", keep_s, EVENTS)


async def test_what_is_older_goes_and_what_is_younger_stays(
    database: Database, transactions: Transactions, clock: ManualClock, customer_id: int
) -> None:
    await events(transactions, customer_id, 220)
    trimmer = Trimmer(transactions, [one()], SMALL)
    assert await trimmer.round() is False
    assert await kept(database, customer_id) == 220
    clock.advance(YEAR_S - 3600)
    await trimmer.round()
    assert await kept(database, customer_id) == 220
    clock.advance(3600 + 60)
    assert await trimmer.round() is False, "all of it, batch by batch"
    assert await kept(database, customer_id) == 0
    assert trimmer.removed == {"journal_event": 220}


async def test_a_round_ends_in_time_and_goes_on_in_the_next(
    database: Database, transactions: Transactions, clock: ManualClock, customer_id: int
) -> None:
    await events(transactions, customer_id, 3 * kernel.FEWEST_ROWS)
    clock.advance(YEAR_S + 60)
    short = Pace(every_s=0.01, round_s=0.0, most_rows=kernel.FEWEST_ROWS)
    assert await Trimmer(transactions, [one()], short).round() is True
    assert await kept(database, customer_id) == 3 * kernel.FEWEST_ROWS
    running = Trimmer(transactions, [one()], Pace(every_s=0.01, most_rows=kernel.FEWEST_ROWS))
    task = asyncio.create_task(running.run())
    await eventually(lambda: running.removed["journal_event"] == 3 * kernel.FEWEST_ROWS)
    task.cancel()
    await asyncio.wait({task})


async def test_writers_get_their_turn_in_between(
    database: Database, transactions: Transactions, clock: ManualClock, customer_id: int
) -> None:
    """Whoever writes while much is removed waits for a batch, never for the whole."""
    await events(transactions, customer_id, 2_000)
    clock.advance(YEAR_S + 60)
    trimming = asyncio.create_task(Trimmer(transactions, [one()], SMALL).round())
    for _ in range(10):
        async with transactions.begin(system_actor("test", customer_id)) as work:
            work.record("test", "happened", "")
    assert not trimming.done()
    assert await kept(database, customer_id) > 0
    await trimming
    assert await kept(database, customer_id) == 0


async def test_one_that_fails_keeps_no_other(
    database: Database, transactions: Transactions, clock: ManualClock, customer_id: int
) -> None:
    async def away(_work: UnitOfWork, _before_us: int, _limit: int) -> Trimmed:
        raise Unavailable("away")

    async def broken(_work: UnitOfWork, _before_us: int, _limit: int) -> Trimmed:
        raise LookupError("a defect")

    await events(transactions, customer_id, 1)
    clock.advance(YEAR_S + 60)
    others = [Retention("away", 1.0, away), Retention("broken", 1.0, broken)]
    await Trimmer(transactions, [*others, one()]).round()
    assert await kept(database, customer_id) == 0


async def test_of_two_processes_one_removes(
    postgres_database: Database, tail_of_postgres: LogTail, clock: ManualClock
) -> None:
    """The other leaves it alone and looks again in its next round."""
    asked: list[int] = []
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(_work: UnitOfWork, before_us: int, _limit: int) -> Trimmed:
        asked.append(before_us)
        entered.set()
        await go_on.wait()
        return Trimmed(1, more=False)

    wakeups = TailWakeUps(tail_of_postgres)
    first, second = (
        Trimmer(Transactions(postgres_database, clock, wakeups), [Retention("same", 1.0, slowly)])
        for _ in range(2)
    )
    at_work = asyncio.create_task(first.round())
    await entered.wait()
    await second.round()
    assert len(asked) == 1
    go_on.set()
    await at_work
    assert (first.removed["same"], second.removed["same"]) == (1, 0)
    await second.round()
    assert asked == [clock.now_us() - SECOND_US] * 2


@pytest.fixture
async def tail_of_postgres(postgres_database: Database) -> LogTail:
    return LogTail(postgres_database)


def test_a_batch_grows_while_it_is_short_and_shrinks_when_it_is_not() -> None:
    pace = Pace(most_rows=300)
    assert pace.next_limit(100, 0.001, turn_s=0.01) == 200
    assert pace.next_limit(200, 0.001, turn_s=0.01) == 300
    assert pace.next_limit(200, 0.007, turn_s=0.01) == 200
    assert pace.next_limit(200, 0.02, turn_s=0.01) == 100
    assert pace.next_limit(60, 0.02, turn_s=0.01) == kernel.FEWEST_ROWS

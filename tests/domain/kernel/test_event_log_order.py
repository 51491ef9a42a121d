"""A reader of the log gets every row once and in order, whatever the writers do meanwhile."""

import asyncio
from random import Random
from typing import Any, Final

import pytest
from sqlalchemy import insert, select, text

from domain.identity.models import Customer
from domain.kernel.actor import system_actor
from domain.kernel.columns import table_of
from domain.kernel.database import Database
from domain.kernel.eventlog import EventRecord, Fact, LogRow, append
from domain.kernel.groupcommit import GroupCommit
from domain.kernel.ids import new_id
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions, UnitOfWork
from domain.production.commands import RecordScan
from domain.production.repository.scan_store import JudgedScan, ScanOutcome, ScanStore
from domain.production.repository.scan_store_postgres import PostgresScanStore
from domain.production.repository.scan_store_sqlite import SqliteScanStore
from tests.support.clocks import START_US
from tests.support.waiting import eventually, unchanging

WRITERS: Final = 8
TURNS: Final = 25
ACTOR: Final = system_actor("test", 1)
LOG: Final = table_of(EventRecord)
POSTGRES: Final = pytest.mark.parametrize("database", ["postgres"], indirect=True)
SQLITE: Final = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def heard(tail: LogTail) -> list[LogRow]:
    """All rows that a listener from the beginning was given, in the order of giving."""
    rows: list[LogRow] = []
    tail.listen(rows.extend)
    return rows


async def stored(database: Database) -> list[int]:
    async with database.read() as session:
        return list(await session.scalars(select(LOG.c.seq).order_by(LOG.c.seq)))


async def heard_everything(database: Database, heard: list[LogRow], count: int) -> None:
    await eventually(lambda: len(heard) >= count)
    await unchanging(lambda: len(heard), for_s=0.1)
    assert [row.seq for row in heard] == await stored(database)
    assert len(heard) == count


async def test_concurrent_writers(
    database: Database, transactions: Transactions, heard: list[LogRow]
) -> None:
    written = sum(await _all_writers(transactions))
    await heard_everything(database, heard, written)
    for writer in range(WRITERS):
        numbers = [row.data["number"] for row in heard if row.key == str(writer)]
        assert numbers == list(range(len(numbers)))


@POSTGRES
async def test_a_transaction_held_open_neither_holds_up_rows_nor_loses_its_own(
    database: Database, transactions: Transactions, heard: list[LogRow]
) -> None:
    async with transactions.begin(ACTOR) as slow:
        slow.record("test", "happened", "slow", number=0)
        await _customer_row(slow)
        written = sum(await _all_writers(transactions))
        await heard_everything(database, heard, written)
    await heard_everything(database, heard, written + 1)
    assert heard[-1].key == "slow"


@POSTGRES
async def test_a_commit_that_stalls_with_its_numbers_taken_is_not_overtaken(
    database: Database, transactions: Transactions, heard: list[LogRow]
) -> None:
    """The worst moment: the facts are written, the lock is held, and the commit does not come."""
    async with transactions.begin(ACTOR) as stalled:
        fact = Fact("test", "happened", "stalled", {"number": 0})
        await append(stalled.session, ACTOR.customer_id, [fact], stalled.now_us)
        others = asyncio.create_task(_all_writers(transactions))
        await _waiting_for_the_lock(database, WRITERS)
        assert heard == []
        assert await stored(database) == []
    await heard_everything(database, heard, sum(await others) + 1)
    assert heard[0].key == "stalled"


@POSTGRES
async def test_without_the_lock_a_reader_would_pass_a_row(
    database: Database, transactions: Transactions, heard: list[LogRow], tail: LogTail
) -> None:
    """Shows that the tests above can fail: this writer takes its number and no lock."""
    async with database.engine.connect() as careless:
        await careless.execute(insert(LOG).values(_columns("careless")))
        written = sum(await _all_writers(transactions))
        await heard_everything(database, heard, written)
        await careless.commit()
    tail.wake()
    await unchanging(lambda: len(heard))
    assert len(await stored(database)) == written + 1
    assert "careless" not in {row.key for row in heard}


@SQLITE
async def test_the_one_writer_of_sqlite_may_take_long(
    database: Database, transactions: Transactions, heard: list[LogRow]
) -> None:
    async with transactions.begin(ACTOR) as slow:
        slow.record("test", "happened", "slow", number=0)
        await _customer_row(slow)
        others = asyncio.create_task(_all_writers(transactions))
        await unchanging(lambda: len(heard))
        assert heard == []
    await heard_everything(database, heard, sum(await others) + 1)
    assert heard[0].key == "slow"


async def test_units_of_work_between_the_batches_of_a_group_commit(
    database: Database,
    transactions: Transactions,
    heard: list[LogRow],
    tail: LogTail,
    customer_id: int,
) -> None:
    store: ScanStore = (SqliteScanStore if database.is_sqlite else PostgresScanStore)(database)
    commits: GroupCommit[JudgedScan, ScanOutcome] = GroupCommit(store.write, max_batch=7)

    async def scan(writer: int) -> int:
        for number in range(TURNS):
            await commits.submit(_scan(customer_id, f"scanner {writer}", number))
            tail.wake()
        return TURNS

    scans = asyncio.gather(*(scan(n) for n in range(WRITERS)))
    written = sum(await _all_writers(transactions)) + sum(await scans)
    await commits.close()
    await store.close()
    await heard_everything(database, heard, written)
    for writer in range(WRITERS):
        codes = [row.data["scan"]["code"] for row in heard if row.key == f"scanner {writer}"]
        assert codes == [str(number) for number in range(TURNS)]


async def test_a_reader_that_comes_late_replays_the_same(
    database: Database, transactions: Transactions, heard: list[LogRow]
) -> None:
    written = sum(await _all_writers(transactions))
    await heard_everything(database, heard, written)
    late = LogTail(database)
    await late.start()
    try:
        replayed = [row async for page in late.replay(0) for row in page]
    finally:
        await late.stop()
    assert replayed == heard


async def _customer_row(work: UnitOfWork) -> None:
    await work.session.execute(
        insert(table_of(Customer)).values(public_id=new_id(), name="written in between")
    )


async def _write(transactions: Transactions, writer: int, random: Random) -> int:
    """Short transactions of one writer, with a row and one to three facts each; how many facts."""
    written = 0
    for _ in range(TURNS):
        async with transactions.begin(ACTOR) as work:
            await _customer_row(work)
            for _ in range(random.randint(1, 3)):
                work.record("test", "happened", str(writer), number=written)
                written += 1
            for _ in range(random.randint(0, 5)):
                await asyncio.sleep(0)
    return written


async def _all_writers(transactions: Transactions) -> list[int]:
    return await asyncio.gather(*(_write(transactions, n, Random(n)) for n in range(WRITERS)))


async def _waiting_for_the_lock(database: Database, count: int) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    found = 0
    async with asyncio.timeout(10):
        while found < count:
            async with database.read() as session:
                found = await session.scalar(waiting) or 0


def _columns(key: str) -> dict[str, Any]:
    return {
        "customer_id": ACTOR.customer_id,
        "stream": "test",
        "kind": "happened",
        "key": key,
        "payload": '{"number":0}',
        "occurred_at_us": START_US,
    }


def _scan(customer_id: int, line_id: str, number: int) -> JudgedScan:
    """A read without a bottle: only its fact matters here."""
    return JudgedScan(
        customer_id=customer_id,
        command=RecordScan(str(number), line_id=line_id),
        scan_id=new_id(),
        bottle_id=new_id(),
        now_us=START_US,
        gtin=None,
        serial=None,
        reason="NO_CODE",
        message=None,
    )

"""A caller that is cancelled in mid-write, wherever that is, leaves nothing behind."""

import asyncio
from random import Random

from sqlalchemy import func, select, text

from domain.kernel import eventlog
from domain.kernel.actor import system_actor
from domain.kernel.columns import table_of
from domain.kernel.database import Database
from domain.kernel.eventlog import EventRecord
from domain.kernel.uow import Transactions

FACTS = 50
INSERT = text("INSERT INTO number_sequence (customer_id, name, value) VALUES (1, :name, 1)")


async def _write(transactions: Transactions, customer_id: int, name: str) -> None:
    async with transactions.begin(system_actor("test", customer_id)) as work:
        await work.session.execute(select(func.count()).select_from(table_of(EventRecord)))
        await work.session.execute(INSERT, {"name": name})
        for _ in range(FACTS):
            work.record("test", "thing.made", name, padding="x" * 300)


async def test_the_next_write_goes_through_at_once(
    database: Database, transactions: Transactions, customer_id: int
) -> None:
    random = Random(7)
    committed = 0
    for attempt in range(40):
        task = asyncio.create_task(_write(transactions, customer_id, f"cancelled-{attempt}"))
        await asyncio.wait({task}, timeout=random.uniform(0, 0.02))
        task.cancel()
        await asyncio.wait({task})
        # Far below SQLite's own patience of five seconds: nothing holds the lock.
        async with asyncio.timeout(4):
            await _write(transactions, customer_id, f"whole-{attempt}")
        committed += 1
    async with database.read() as session:
        rows = await eventlog.read_after(session, 0, 100_000)
    by_key: dict[str, int] = {}
    for row in rows:
        by_key[row.key] = by_key.get(row.key, 0) + 1
    assert sum(key.startswith("whole") for key in by_key) == committed
    assert set(by_key.values()) == {FACTS}, "a cancelled write is there whole or not at all"

"""Writes to a SQLite file whose log is folded in all the time, until it is killed.

Argument: the file. Prints the number of each row once it is committed, and the log's generation."""

import asyncio
import sys
from itertools import count
from pathlib import Path

from domain.kernel import eventlog
from domain.kernel.actor import system_actor
from domain.kernel.checkpoints import Checkpointer, log_length
from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from tests.support.databases import TailWakeUps


async def work(path: str) -> None:
    database = Database(f"sqlite:///{path}")
    writer = Transactions(database, SystemClock(), TailWakeUps(LogTail(database)))
    folding = asyncio.create_task(Checkpointer(database, long_pages=30).run())
    async with database.read() as session:
        first = await eventlog.head(session) + 1
    for number in count(first):
        async with writer.begin(system_actor("test", 1)) as unit:
            unit.record("test", "happened", str(number), text="x" * 4_000)
        generation = log_length(Path(f"{path}-wal")).generation.hex()
        sys.stdout.write(f"{number} {generation}\n")
        sys.stdout.flush()
    await folding


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))

"""What the event log holds, and waiting for a reader of it."""

import asyncio

from domain.kernel import eventlog
from domain.kernel.database import Database
from domain.kernel.eventlog import LogRow
from domain.kernel.tail import LogTail

DEADLINE_S = 10.0


async def facts(database: Database, stream: str) -> list[LogRow]:
    async with database.read() as session:
        rows = await eventlog.read_after(session, 0, 100_000)
    return [row for row in rows if row.stream == stream]


async def caught_up(database: Database, tail: LogTail) -> None:
    """Returns once every listener of `tail` has been given all that is committed now."""
    async with database.read() as session:
        newest = await eventlog.head(session)
    reached = asyncio.Event()
    stop = tail.listen(lambda rows: reached.set() if rows[-1].seq >= newest else None)
    try:
        if tail.head < newest:
            async with asyncio.timeout(DEADLINE_S):
                await reached.wait()
    finally:
        stop()

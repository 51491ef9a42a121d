"""SQLite connections that a cancelled caller cannot leave half way.

A call that is cancelled (a client that hung up) is finished first and then cancelled, and a
connection is rolled back before it is closed: SQLite keeps a closed connection with an unfinished
statement alive, and with it the write lock, for everybody.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import aiosqlite

MOST_LOG_PAGES: Final = 16_000
"""64 MB of write-ahead log: the commit that finds more folds it in itself, which holds it up for
tens of milliseconds. `checkpoints.py` sees to it that none does, where it runs."""
# FULL: an answer that left this process survives a power cut, not only a crash.
PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=5000",
    "PRAGMA cache_size=-65536",
    f"PRAGMA wal_autocheckpoint={MOST_LOG_PAGES}",
    "PRAGMA mmap_size=268435456",
)
Result = TypeVar("Result")


class SteadyConnection(aiosqlite.Connection):
    """aiosqlite's connection, less the ways to abandon it."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await whole(super()._execute(fn, *args, **kwargs))  # type: ignore[no-untyped-call]

    def stop(self) -> asyncio.Future[Any] | None:
        self._tx.put_nowait((None, self._roll_back))
        return super().stop()

    async def close(self) -> None:
        if self._connection is not None:
            await self._execute(self._roll_back)
        await super().close()

    def _roll_back(self) -> None:
        if self._connection is not None and self._connection.in_transaction:
            self._connection.rollback()


def connect(database: str, **options: Any) -> SteadyConnection:
    """For SQLAlchemy's `async_creator_fn`; awaiting it opens the file."""
    connection = SteadyConnection(lambda: sqlite3.connect(database, **options), 64)
    connection._thread.daemon = True
    return connection


async def whole(call: Awaitable[Result]) -> Result:
    """Waits for the end of `call` in any case; a cancellation meanwhile comes after it."""
    task = asyncio.ensure_future(call)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()  # seen: the cancellation is what the caller gets
        raise cancelled
    return task.result()

"""SQLite's write-ahead log stays short, whoever writes, reads or dies."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import text

from domain.kernel.actor import system_actor
from domain.kernel.checkpoints import Checkpointer, LogLength, log_length
from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from domain.kernel.sqlite import MOST_LOG_PAGES
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from tests.support.databases import SqliteFiles, TailWakeUps
from tests.support.processes import ROOT, environment
from tests.support.waiting import eventually

ACTOR: Final = system_actor("test", 1)
LONG_PAGES: Final = 100
PAGE_TEXT: Final = "x" * 4_000


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    return sqlite_database


@pytest.fixture
def writer(sqlite_database: Database) -> Transactions:
    return Transactions(sqlite_database, SystemClock(), TailWakeUps(LogTail(sqlite_database)))


def log_of(database: Database) -> Path:
    return Path(f"{database.url.database}-wal")


def length(database: Database) -> LogLength:
    return log_length(log_of(database))


async def write(writer: Transactions, pages: int = 10) -> None:
    """At least so many pages, in one commit."""
    async with writer.begin(ACTOR) as work:
        for _ in range(pages):
            work.record("test", "happened", "", text=PAGE_TEXT)


@asynccontextmanager
async def folding(database: Database, long_pages: int = LONG_PAGES) -> AsyncIterator[None]:
    task = asyncio.create_task(Checkpointer(database, long_pages=long_pages).run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@contextmanager
def reading(database: Database) -> Iterator[sqlite3.Connection]:
    """Somebody who looks at the present state for long."""
    with closing(sqlite3.connect(str(database.url.database), isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM event_log").fetchone()
        yield reader


def told_by_sqlite(database: Database) -> int:
    """Pages in the log. Folds them in."""
    with closing(sqlite3.connect(str(database.url.database))) as other:
        return int(other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])


async def began_anew(database: Database, writer: Transactions, generation: bytes) -> None:
    """Writes until a commit found the whole log folded in."""
    async with asyncio.timeout(10):
        while length(database).generation == generation:
            await write(writer, 1)
            await asyncio.sleep(0.01)


async def test_the_length_is_what_sqlite_says(database: Database, writer: Transactions) -> None:
    """Also where pages of an earlier generation lie behind the present ones."""
    told_by_sqlite(database)
    before = length(database)
    for pages in (1, 60, 7, 1, 25):
        await write(writer, pages)
        assert length(database).pages == told_by_sqlite(database)
        assert length(database).generation != before.generation
        before = length(database)


def test_no_log_has_no_length(tmp_path: Path) -> None:
    assert log_length(tmp_path / "none-wal").pages == 0
    (tmp_path / "empty-wal").touch()
    assert log_length(tmp_path / "empty-wal").pages == 0


async def test_the_log_stays_short_under_load(database: Database, writer: Transactions) -> None:
    lengths: list[LogLength] = []
    async with folding(database):
        while len({one.generation for one in lengths}) < 5:
            await write(writer)
            lengths.append(length(database))
            await asyncio.sleep(0)
    assert max(one.pages for one in lengths) < MOST_LOG_PAGES / 2, "no writer had to fold it in"


async def test_a_long_reader_holds_nobody_up_and_the_log_is_short_again_after_it(
    database: Database, writer: Transactions
) -> None:
    async with folding(database):
        with reading(database) as reader:
            generation = length(database).generation
            for _ in range(60):
                await write(writer)
            assert length(database).pages > 4 * LONG_PAGES
            seen: Any = reader.execute("SELECT count(*) FROM event_log").fetchone()
            assert seen == (0,), "its state is kept for it"
        grown = length(database)
        assert grown.generation == generation
        await eventually(lambda: told_by_sqlite(database) == grown.pages)
        await began_anew(database, writer, generation)
        assert length(database).pages < grown.pages


async def test_who_writes_folds_in_where_nobody_else_does(
    database: Database, writer: Transactions
) -> None:
    """A process that runs a single command has no checkpointer."""
    pages = 2_000
    for _ in range(MOST_LOG_PAGES // pages + 2):
        await write(writer, pages)
    assert length(database).pages < MOST_LOG_PAGES / 2, "it began anew"
    assert log_of(database).stat().st_size < (MOST_LOG_PAGES + 2 * pages) * 4_200


async def test_it_closes_cleanly(database: Database, writer: Transactions) -> None:
    before = set(threading.enumerate())
    async with folding(database):
        await write(writer, 2 * LONG_PAGES)
        await began_anew(database, writer, length(database).generation)
    begun = set(threading.enumerate()) - before
    assert not [one for one in begun if one.name.startswith("checkpoints")]
    await database.close()
    assert not log_of(database).exists(), "no connection was left open"


def killed(path: Path) -> set[int]:
    """The rows that a process had said were committed, when it was killed amid its folding."""
    said: set[int] = set()
    generations: set[str] = set()
    command = [sys.executable, "-m", "tests.support.checkpoint_process", str(path)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if not line.endswith("\n"):
                break
            number, generation = line.split()
            said.add(int(number))
            generations.add(generation)
            if len(generations) == 4:
                process.kill()
    return said


async def test_kill_9_while_folding_loses_nothing(
    sqlite_files: SqliteFiles, tmp_path: Path
) -> None:
    path = tmp_path / "killed.db"
    async with sqlite_files.fresh(path):
        pass
    said: set[int] = set()
    for _ in range(3):
        said |= await asyncio.to_thread(killed, path)
    with closing(sqlite3.connect(path)) as found:
        assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        stored = {int(row[0]) for row in found.execute("SELECT key FROM event_log")}
    assert said
    assert said <= stored


async def test_a_statement_of_its_own_is_not_in_its_way(
    database: Database, writer: Transactions
) -> None:
    """Reads of the pool come and go while it folds."""
    async with folding(database, long_pages=20):
        for _ in range(30):
            await write(writer)
            async with database.read() as session:
                assert await session.scalar(text("SELECT count(*) FROM event_log"))

"""Folds SQLite's write-ahead log into the file beside those who commit, not in their way.

A commit that finds the log long would fold it in itself: everyone in its group then waits for the
whole of it. Here a thread with a connection of its own copies what is there while commits go on,
and asks for the writer's turn only for the few pages that came meanwhile; the next commit then
begins the log anew, so that its file stays as long as it is. Who commits folds in by himself all
the same at `sqlite.MOST_LOG_PAGES`, should this thread fall behind.
"""

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple, TypeVar

from domain.kernel.database import Database
from domain.kernel.sqlite import PRAGMAS, whole

LOOK_EVERY_S: Final = 0.1
AFTER_TROUBLE_S: Final = 5.0
LONG_PAGES: Final = 8_000
"""32 MB. A page is written to the file once for each time that the log is folded in, however often
it was changed, so a longer log is less writing; and more to read after a crash."""
LITTLE_PAGES: Final = 200
"""What the writer's turn may be asked for: some two milliseconds."""
PASSES: Final = 3
# The file format's own words: page size and salts of the header, salts of a page's header.
_HEADER: Final = Struct(">8xI4x8s8x")
_PAGE_HEADER: Final = Struct(">8x8s8x")
Result = TypeVar("Result")
logger = logging.getLogger(__name__)


class LogLength(NamedTuple):
    """`generation` changes whenever the log begins anew; `pages` are those written since."""

    generation: bytes
    pages: int


EMPTY: Final = LogLength(b"", 0)


class Folded(NamedTuple):
    """The answer of `PRAGMA wal_checkpoint`: pages in the log, and in the file already."""

    busy: int
    in_log: int
    in_file: int


class Checkpointer:
    """One for each SQLite file in a process that runs for long; `run` it in the background.

    A reader that holds on to an old state keeps the log from being folded in past that state,
    here as everywhere: the log grows until it lets go, and no commit waits meanwhile."""

    def __init__(self, database: Database, *, long_pages: int = LONG_PAGES) -> None:
        self._database = database
        self._long_pages = long_pages
        self._path = str(database.url.database)
        self._log = Path(f"{self._path}-wal")
        self._connection: sqlite3.Connection | None = None
        self._done: LogLength | None = None

    async def run(self) -> None:
        """Until cancelled. A full disk is waited for."""
        in_trouble = False
        with ThreadPoolExecutor(1, thread_name_prefix="checkpoints") as thread:
            try:
                while True:
                    await asyncio.sleep(AFTER_TROUBLE_S if in_trouble else LOOK_EVERY_S)
                    try:
                        await self._look(thread)
                        in_trouble = False
                    except (sqlite3.Error, OSError) as error:
                        if not in_trouble:
                            logger.warning("the write-ahead log is not folded in: %s", error)
                        in_trouble = True
            finally:
                await _in(thread, self._disconnect)

    async def fold_once(self) -> None:
        """Now, however short the log is; what keeps it from that is left for another time."""
        with ThreadPoolExecutor(1, thread_name_prefix="checkpoint") as thread:
            try:
                await self._fold(thread)
            finally:
                await _in(thread, self._disconnect)

    async def _look(self, thread: ThreadPoolExecutor) -> None:
        length = log_length(self._log)
        if length.pages >= self._long_pages and length != self._done:
            await self._fold(thread)

    async def _fold(self, thread: ThreadPoolExecutor) -> None:
        for _ in range(PASSES):
            in_file = (await _in(thread, lambda: self._checkpoint("PASSIVE"))).in_file
            if log_length(self._log).pages - in_file <= LITTLE_PAGES:
                break
        else:
            return
        async with self._database.write_lock:
            folded = await _in(thread, lambda: self._checkpoint("RESTART"))
            if not folded.busy:
                self._done = log_length(self._log)

    def _checkpoint(self, mode: str) -> Folded:
        connection = self._connection or self._connect()
        return Folded(*connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone())

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        for pragma in PRAGMAS:
            connection.execute(pragma)
        # Waiting for a reader with the writer's turn in hand would stop everyone.
        connection.execute("PRAGMA busy_timeout=0")
        self._connection = connection
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


async def _in(thread: ThreadPoolExecutor, call: Callable[[], Result]) -> Result:
    return await whole(asyncio.get_running_loop().run_in_executor(thread, call))


def log_length(path: Path) -> LogLength:
    """Read from the log file itself, which keeps its size when the log begins anew: pages of an
    earlier generation lie behind those of the present one, and have other salts.

    Never look into the `-shm` file instead: closing a file drops all locks that this process has
    on it, and SQLite's are there."""
    try:
        log = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return EMPTY
    try:
        header = os.pread(log, _HEADER.size, 0)
        if len(header) < _HEADER.size:
            return EMPTY
        page_bytes, generation = _HEADER.unpack(header)
        return LogLength(generation, _pages(log, generation, _PAGE_HEADER.size + page_bytes))
    finally:
        os.close(log)


def _pages(log: int, generation: bytes, stride: int) -> int:
    """By halves: some fifteen reads."""
    low, high = 0, (os.fstat(log).st_size - _HEADER.size) // stride
    while low < high:
        middle = (low + high) // 2
        header = os.pread(log, _PAGE_HEADER.size, _HEADER.size + middle * stride)
        if len(header) == _PAGE_HEADER.size and _PAGE_HEADER.unpack(header)[0] == generation:
            low = middle + 1
        else:
            high = middle
    return low

"""The live end of the event log: one reader a process, which hands rows to whoever listens.

A wake-up says only that there may be something new. Whatever is lost, late or doubled on the way,
the rows come from the log itself, in order and once; a timer looks again anyway.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from domain.kernel import eventlog
from domain.kernel.database import Database
from domain.kernel.errors import DomainError, StreamGap, ValidationFailed
from domain.kernel.eventlog import LogRow
from domain.kernel.log_reader import LogReader

PAGE: Final = 500
LOOK_AGAIN_S: Final = 1.0

Listener = Callable[[Sequence[LogRow]], None]
logger = logging.getLogger(__name__)


class LogTail:
    """Follows the log from where it stood at `start`. Listeners run on the loop and never block."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reader = LogReader(database)
        self._woken = asyncio.Event()
        self._listeners: list[Listener] = []
        self._task: asyncio.Task[None] | None = None
        self.log_id = ""
        self.head = 0
        """Every listener has been given all rows up to and including this seq."""

    async def start(self) -> None:
        async with self._database.read() as session:
            self.log_id = await eventlog.log_id(session)
            self.head = await eventlog.head(session)
        self._task = asyncio.create_task(self._follow(), name="event-log-tail")

    async def stop(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None
        self._reader.close()

    def wake(self) -> None:
        """There may be new rows. Cheap, callable at any rate."""
        self._woken.set()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """From the next row on; the answer ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def cursor(self, seq: int) -> str:
        """What a client keeps in order to come back: this log and a place in it."""
        return f"{self.log_id}.{seq}"

    async def position(self, cursor: str) -> int:
        """The seq behind `cursor`. Raises ValidationFailed or, if the log cannot go on from
        there (trimmed, or another log), StreamGap."""
        log_id, dot, digits = cursor.partition(".")
        if not dot or not digits.isdecimal() or not digits.isascii() or len(digits) > 18:
            raise ValidationFailed("after", "not a cursor of this stream")
        seq = int(digits)
        async with self._database.read() as session:
            floor = await eventlog.floor(session)
            newest = await eventlog.head(session)
        if log_id != self.log_id or not floor <= seq <= newest:
            raise StreamGap(
                "The log no longer reaches back to this cursor", oldest=self.cursor(floor)
            )
        return seq

    async def replay(self, after: int) -> AsyncIterator[Sequence[LogRow]]:
        """Pages of rows after a seq up to the present head, which moves meanwhile."""
        while after < self.head:
            async with self._database.read() as session:
                floor = await eventlog.floor(session)
                rows = await eventlog.read_after(session, after, PAGE)
            if after < floor:
                raise StreamGap("The log was trimmed while it was read", oldest=self.cursor(floor))
            rows = [row for row in rows if row.seq <= self.head]
            if not rows:
                return
            yield rows
            after = rows[-1].seq

    async def _follow(self) -> None:
        while True:
            # Not wait_for: on Python 3.11 it loses a cancellation that meets a wake-up.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await self._woken.wait()
            self._woken.clear()
            try:
                await self._catch_up()
            except DomainError as error:
                # The database is away. Streams stay where they are and go on when it is back.
                logger.warning("event log not readable: %s", error.message)
                await asyncio.sleep(LOOK_AGAIN_S)
            except Exception:
                # A defect, or an error that no driver translates. Whatever it was, a reader that
                # died of it would leave every stream of this process open and mute.
                logger.exception("event log reader broke; it looks again")
                await asyncio.sleep(LOOK_AGAIN_S)

    async def _catch_up(self) -> None:
        while True:
            rows = await self._reader.after(self.head, PAGE)
            if not rows:
                return
            self.head = rows[-1].seq
            for listener in tuple(self._listeners):
                self._tell(listener, rows)
            if len(rows) < PAGE:
                return
            await asyncio.sleep(0)  # reading may not have waited for anything

    def _tell(self, listener: Listener, rows: Sequence[LogRow]) -> None:
        """One listener's defect must not silence the others."""
        try:
            listener(rows)
        except Exception:
            logger.exception("a listener of the event log broke")

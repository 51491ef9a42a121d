"""A durable reader of the log that acts on what it reads, and goes on after a restart where its
last transaction left it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from domain.kernel import eventlog
from domain.kernel.actor import system_actor
from domain.kernel.errors import DomainError
from domain.kernel.eventlog import LogRow
from domain.kernel.tail import PAGE, LogTail
from domain.kernel.uow import Transactions

logger = structlog.get_logger(__name__)
RETRY_S = 1.0
# Takes some rows and moves the reader past those that are dealt with; a DomainError means later.
Handle = Callable[[Sequence[LogRow]], Awaitable[None]]


class LogWorker:
    """One task. What cannot be done now is tried again, in order."""

    def __init__(
        self, transactions: Transactions, tail: LogTail, reader: str, handle: Handle
    ) -> None:
        self._transactions = transactions
        self._tail = tail
        self._reader = reader
        self._handle = handle
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        """Cancelled where the worker is stopped; what it has begun and must end it ends then."""

    async def start(self) -> None:
        async with self._transactions.begin(system_actor(self._reader, 0)) as work:
            await eventlog.begin_reader(work.session, self._reader)
        self._stop_listening = self._tail.listen(lambda _rows: self._woken.set())
        self._woken.set()
        self._task = asyncio.create_task(self._run(), name=self._reader)

    async def stop(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait({self._task})
        self._stop_listening()
        self._task = None

    async def forget(self) -> None:
        """What it has not read it never will."""
        async with self._transactions.begin(system_actor(self._reader, 0)) as work:
            await eventlog.forget_reader(work.session, self._reader)

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                while await self._step():
                    pass
            except DomainError as error:
                # Somebody was first, a printer or the storage is away: look again.
                logger.warning("log reader waits", reader=self._reader, cause=error.message)
                await asyncio.sleep(RETRY_S)
                self._woken.set()
            except Exception:
                logger.exception("log reader broke", reader=self._reader)
                await asyncio.sleep(RETRY_S)
                self._woken.set()

    async def _step(self) -> bool:
        """One page of facts; whether there was any."""
        async with self._transactions.database.read() as session:
            after = await eventlog.reader_position(session, self._reader)
            rows = await eventlog.read_after(session, after, PAGE)
        if rows:
            await self._handle(rows)
        return bool(rows)

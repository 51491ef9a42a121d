"""Runs the line's accumulation: a durable reader of the log that packs what was accepted."""

import asyncio
import contextlib

import structlog

from domain.kernel import eventlog
from domain.kernel.actor import system_actor
from domain.kernel.errors import DomainError
from domain.kernel.tail import PAGE, LogTail
from domain.kernel.uow import Transactions
from domain.line.operations.accumulation import READER, Accumulation, accumulate

logger = structlog.get_logger(__name__)
RETRY_S = 1.0


class Accumulator:
    """One task; goes on after a restart where the last transaction left it."""

    def __init__(
        self, transactions: Transactions, tail: LogTail, plan: Accumulation, customer_id: int
    ) -> None:
        self._transactions = transactions
        self._tail = tail
        self._plan = plan
        self._actor = system_actor("accumulation", customer_id)
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        async with self._transactions.begin(self._actor) as work:
            await eventlog.begin_reader(work.session, READER)
        self._stop_listening = self._tail.listen(lambda _rows: self._woken.set())
        self._woken.set()
        self._task = asyncio.create_task(self._run(), name="accumulation")

    async def stop(self) -> None:
        if self._task is None:
            return
        self._stop_listening()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                while await self._step():
                    pass
            except DomainError as error:
                # Someone packed the same bottles by hand, or the storage is away: look again.
                logger.warning("accumulation interrupted", cause=error.message)
                await asyncio.sleep(RETRY_S)
                self._woken.set()
            except Exception:
                logger.exception("accumulation broke")
                await asyncio.sleep(RETRY_S)
                self._woken.set()

    async def _step(self) -> bool:
        """One page of facts; whether there was any."""
        async with self._transactions.database.read() as session:
            after = await eventlog.reader_position(session, READER)
            rows = await eventlog.read_after(session, after, PAGE)
        if not rows:
            return False
        async with self._transactions.begin(self._actor) as work:
            await accumulate(work, self._plan, rows)
        return True

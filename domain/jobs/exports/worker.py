"""Writes the files of export tasks. One per process, any number of processes: a task is held by
one at a time, who says again and again that it lives. What a dead one held is taken up anew."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from typing import Final

from domain.jobs.exports import operations, repository
from domain.jobs.exports.commands import ExportScans
from domain.jobs.exports.files import Tally, csv_chunks
from domain.jobs.exports.models import ExportStatus
from domain.jobs.exports.ports import ExportServices
from domain.jobs.exports.repository import Finished
from domain.jobs.exports.rows import ExportTaskRow
from domain.jobs.exports.storage import key_of
from domain.kernel.actor import system_actor
from domain.kernel.clock import SECOND_US
from domain.kernel.errors import DomainError
from domain.kernel.ids import new_id
from domain.kernel.uow import Transactions, UnitOfWork
from domain.production.repository import scans

COMPONENT: Final = "export"
GIVEN_UP: Final = "The export broke off too often"
BROKE: Final = "The export broke"
PAGE: Final = 20
logger = logging.getLogger(__name__)


class TakenOver(Exception):
    """Somebody else took this one for dead, and works on the task."""


@dataclass(slots=True)
class ExportWorker:
    """`run` it in the background, and `retire` now and then."""

    transactions: Transactions
    services: ExportServices
    holder: str = field(default_factory=new_id)
    _asked: asyncio.Event = field(default_factory=asyncio.Event)
    _turns: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))

    def wake(self) -> None:
        self._asked.set()

    async def run(self) -> None:
        """Until cancelled. Storage that is away is waited for."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.services.settings.look_s):
                    await self._asked.wait()
            self._asked.clear()
            try:
                await self.round()
            except DomainError as error:
                logger.warning("exports wait: %s", error.message)

    async def round(self) -> int:
        """Whatever there is to do now; how many tasks were ended here."""
        ended = 0
        while (task := await self._next()) is not None:
            ended += await self._work_on(task)
        return ended

    async def retire(self) -> int:
        """Removes the files whose time is over, before the rows forget them, so that none is left
        that no row names; how many."""
        keep_s, removed = self.services.settings.file_s, 0
        before_us = self._now_us() - round(keep_s * SECOND_US)
        while keep_s and (found := await self._outdated(before_us)):
            for task in found:
                await self.services.files.discard(task.object_key or "")
                async with self._begin(task) as work:
                    await repository.forget_file(work.session, task.id)
            removed += len(found)
        return removed

    async def _next(self) -> ExportTaskRow | None:
        """Of the customer for whom the fewest are under way, and of those the one whose turn here
        is the longest ago: whoever asks for many waits for them, and nobody else does."""
        now_us = self._now_us()
        async with self.transactions.database.read() as session:
            found = await repository.free(session, now_us)
            running = await repository.running(session, now_us) if len(found) > 1 else {}
        if not found:
            return None
        turns = self._turns
        task = min(found, key=lambda one: (running.get(one.customer_id, 0), turns[one.customer_id]))
        turns[task.customer_id] = max(turns.values(), default=0) + 1
        return task

    async def _work_on(self, task: ExportTaskRow) -> bool:
        try:
            return await self._take(task) and await self._ended(task)
        except asyncio.CancelledError:
            # Whoever stops us says nothing about the task: this was no attempt of it.
            with suppress(DomainError):
                await self._give_back(task)
            raise

    async def _ended(self, task: ExportTaskRow) -> bool:
        if task.attempts >= self.services.settings.most_attempts:
            return await self._fail(task, GIVEN_UP)
        try:
            return await self._end(task, await self._written(task))
        except TakenOver:
            return False
        except DomainError as error:
            # Storage that is away, or a disk that is full: again, until it is given up.
            logger.warning("export %s broke off: %s", task.id, error.message)
            await self._put_off(task)
            return False
        except Exception:
            logger.exception("export %s broke", task.id)
            return await self._fail(task, BROKE)

    async def _written(self, task: ExportTaskRow) -> Finished:
        files, tally = self.services.files, Tally()
        received = await files.receive(self._chunks(task, tally), self.services.settings.max_bytes)
        if not await self._hold(task):
            await files.discard(received.key)
            raise TakenOver
        key = key_of(task.id)
        await files.publish(received, key)
        return Finished(
            ExportStatus.SUCCESSFUL,
            rows=tally.rows,
            size_bytes=received.size_bytes,
            object_key=key,
        )

    async def _chunks(self, task: ExportTaskRow, tally: Tally) -> AsyncIterator[bytes]:
        window = ExportScans(from_us=task.from_us, to_us=task.to_us).wanted()
        batches = scans.told_batches(self.transactions.database, task.customer_id, window)
        renew_us = self._now_us() + self._lease_us() // 3
        async for chunk in csv_chunks(batches, self.services.layouts[task.layout], tally):
            yield chunk
            if self._now_us() >= renew_us:
                if not await self._hold(task):
                    raise TakenOver
                renew_us = self._now_us() + self._lease_us() // 3

    async def _take(self, task: ExportTaskRow) -> bool:
        now_us = self._now_us()
        async with self._begin(task) as work:
            return await repository.take(
                work.session, task.id, self.holder, now_us, now_us + self._lease_us()
            )

    async def _hold(self, task: ExportTaskRow) -> bool:
        until_us = self._now_us() + self._lease_us()
        async with self._begin(task) as work:
            return await repository.prolong(work.session, task.id, self.holder, until_us)

    async def _put_off(self, task: ExportTaskRow) -> None:
        """For whoever looks then; each time for twice as long, since what went wrong may go on."""
        pause_us = round(self.services.settings.retry_s * SECOND_US) << task.attempts
        async with self._begin(task) as work:
            until_us = work.now_us + pause_us
            await repository.release(work.session, task.id, self.holder, until_us)

    async def _give_back(self, task: ExportTaskRow) -> None:
        """For whoever looks next, with the attempt."""
        async with self._begin(task) as work:
            await repository.release(work.session, task.id, self.holder, 0, attempts=task.attempts)

    async def _fail(self, task: ExportTaskRow, reason: str) -> bool:
        """An attempt may have published before it broke off: no row will ever name that. Asked
        first whether the task is still ours, since another one's file is not ours to remove."""
        if not await self._hold(task):
            return False
        with suppress(DomainError):  # the sweep will find it
            await self.services.files.discard(key_of(task.id))
        return await self._end(task, Finished(ExportStatus.FAILED, reason))

    async def _end(self, task: ExportTaskRow, ended: Finished) -> bool:
        async with self._begin(task) as work:
            return await operations.finish(work, task, self.holder, ended)

    async def _outdated(self, before_us: int) -> list[ExportTaskRow]:
        async with self.transactions.database.read() as session:
            return await repository.outdated(session, before_us, PAGE)

    def _begin(self, task: ExportTaskRow) -> AbstractAsyncContextManager[UnitOfWork]:
        return self.transactions.begin(system_actor(COMPONENT, task.customer_id))

    def _lease_us(self) -> int:
        return round(self.services.settings.lease_s * SECOND_US)

    def _now_us(self) -> int:
        return self.transactions.clock.now_us()

"""A pass carries the queue upstream, page by page; one at a time in a process."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from domain.kernel import eventlog
from domain.kernel.actor import Actor, system_actor
from domain.kernel.database import Database, ReadSession
from domain.kernel.errors import Conflict, DomainError
from domain.kernel.uow import Transactions
from domain.sync import rules
from domain.sync.lanes import EDGE_LANE, Lane
from domain.sync.models import ConnectionMode
from domain.sync.operations import connection as connection_operations
from domain.sync.operations import delivery
from domain.sync.operations import provisioning as provisioning_operations
from domain.sync.ports import CloudPort, SecretBox, SyncTarget
from domain.sync.queue import QueueCounter
from domain.sync.repository import connection, items, provisioning
from domain.sync.rows import (
    NOTHING_WAITS,
    QueuePage,
    SealedTokens,
    SyncOutcome,
    SyncStatusRow,
)
from domain.sync.states import deliveries
from domain.sync.upstream import Progress, Upstream, UpstreamError

COMPONENT: Final = "sync"


@dataclass(frozen=True, slots=True)
class RunningPass:
    task: "asyncio.Task[SyncOutcome]"
    progress: Progress


class SyncRunner:
    """Runs passes for each customer, at most one at a time; callers join the one that runs.

    `factory` takes what is delivered in mode VIA_LOCAL_SERVER; without one that mode only queues.
    `lane` says whose queue it is: an edge's, or a factory's towards the cloud. An edge may be told
    otherwise while it runs: `page_items` of a delivery, whether the cloud is `cloud_allowed`, and
    who knows whether the factory answers.
    """

    def __init__(
        self,
        transactions: Transactions,
        cloud: CloudPort | None,
        secrets: SecretBox,
        *,
        factory: SyncTarget | None = None,
        lane: Lane = EDGE_LANE,
    ) -> None:
        self.page_items = rules.PAGE_ITEMS
        self.cloud_allowed = True
        self.factory_answers: Callable[[], bool] = _yes
        self.lane = lane
        self.queue = QueueCounter(lane.reader)
        self.woken = asyncio.Event()
        self._transactions = transactions
        self._database: Database = transactions.database
        self._upstream = Upstream(cloud, secrets, factory)
        self._running: dict[int, RunningPass] = {}

    async def begin(self, customer_id: int) -> None:
        """Once at a start: the queue begins, and what a crash left half done is put back."""
        async with self._transactions.begin(_actor(customer_id)) as work:
            if await self.lane.is_open(work.session, customer_id):
                await connection_operations.register(work, self.lane.reader)
            await provisioning_operations.put_back(work, None)

    async def deliver(self, customer_id: int, *, within_s: float) -> SyncOutcome:
        """Everything that waits, unless it takes longer: then what was done so far, and the pass
        goes on. Raises Conflict or Unavailable where no pass can run, else the domain error that
        ended it, as users should see it."""
        running = self._running.get(customer_id)
        joined = None if running is None else await self._wait(running, customer_id, within_s)
        # What came after the last look of a pass that was joined is carried by one more.
        if joined is not None and (joined.remaining == 0 or customer_id in self._running):
            return joined
        mine = await self._wait(self._start(customer_id, announce=True), customer_id, within_s)
        if joined is None:
            return mine
        return mine._replace(synced=mine.synced + joined.synced, failed=mine.failed + joined.failed)

    async def deliver_quietly(self, customer_id: int) -> SyncOutcome:
        """The same without a word when nothing waits. Raises as `deliver`."""
        running = self._running.get(customer_id) or self._start(customer_id, announce=False)
        return await self._wait(running, customer_id, None)

    async def is_ready(self, customer_id: int) -> bool:
        """Whether a pass could run now."""
        return await self._has_way(customer_id, cloud_allowed=self.cloud_allowed)

    async def has_way(self, customer_id: int) -> bool:
        """Whether there is anything to deliver to, should it be allowed again."""
        return await self._has_way(customer_id, cloud_allowed=True)

    async def _has_way(self, customer_id: int, *, cloud_allowed: bool) -> bool:
        async with self._database.read() as session:
            if not await self.lane.is_open(session, customer_id):
                return False
            mode = await self._mode(session, customer_id)
            tokens = await provisioning.tokens(session, customer_id)
            return self._upstream.is_open(mode, tokens, cloud_allowed=cloud_allowed)

    async def _mode(self, session: ReadSession, customer_id: int) -> ConnectionMode:
        return self.lane.mode or (await connection.connection(session, customer_id)).mode

    async def status(self, customer_id: int) -> SyncStatusRow:
        async with self._database.read() as session:
            is_open = await self.lane.is_open(session, customer_id)
            figures = NOTHING_WAITS
            if is_open:
                figures = await self.queue.figures(session, customer_id)
            found = await connection.connection(session, customer_id)
            tokens = await provisioning.tokens(session, customer_id)
        return SyncStatusRow(
            queue_size=figures.size,
            oldest_item_at_us=figures.oldest_at_us,
            last_sync_at_us=found.last_sync_at_us,
            sync_errors=found.sync_errors,
            last_error=found.last_error,
            mode=self.lane.mode or found.mode,
            allow_switch=found.allow_switch,
            connected=is_open and found.sync_errors == 0 and self._answers(found.mode, tokens),
        )

    def _answers(self, mode: ConnectionMode, tokens: SealedTokens) -> bool:
        """As far as is known without asking."""
        mode = self.lane.mode or mode
        if not self._upstream.is_open(mode, tokens, cloud_allowed=self.cloud_allowed):
            return False
        return mode is not ConnectionMode.VIA_LOCAL_SERVER or self.factory_answers()

    def wake(self) -> None:
        """The way upstream may have opened: the background need not wait for its time."""
        self.woken.set()

    async def halt(self, customer_id: int) -> None:
        """Ends a pass that runs. A call upstream is broken off, a transaction never is."""
        running = self._running.get(customer_id)
        if running is not None:
            running.progress.halt()
            await asyncio.wait({running.task})

    async def clear(self, actor: Actor, reason: str | None) -> int:
        """Drops what waits for this actor's customer; how many items that were. A pass that runs
        is ended first."""
        await self.halt(actor.customer_id)
        async with self._database.read() as session:  # the count, outside of the writer's turn
            await self.queue.figures(session, actor.customer_id)
        async with self._transactions.begin(actor) as work:
            waiting = await self.queue.keep(work)
            counted_seq = await self.queue.counted_seq(work)
            await connection_operations.clear(work, self.lane.reader, waiting, counted_seq, reason)
        return waiting

    async def close(self) -> None:
        for customer_id in tuple(self._running):
            await self.halt(customer_id)

    def _start(self, customer_id: int, *, announce: bool) -> RunningPass:
        """The pass that runs; a new one only where none does."""
        running = self._running.get(customer_id)
        if running is not None:
            return running
        progress = Progress()
        task = asyncio.create_task(
            self._pass(customer_id, progress, announce), name=f"sync-pass-{customer_id}"
        )
        running = self._running[customer_id] = RunningPass(task, progress)
        task.add_done_callback(lambda done: self._ended(customer_id, done))
        return running

    def _ended(self, customer_id: int, task: "asyncio.Task[SyncOutcome]") -> None:
        del self._running[customer_id]
        if not task.cancelled():
            task.exception()  # whoever waited was told; a pass that nobody waits for is no defect

    async def _wait(
        self, running: RunningPass, customer_id: int, within_s: float | None
    ) -> SyncOutcome:
        done, _ = await asyncio.wait({running.task}, timeout=within_s)
        if running.task not in done:
            return await self._outcome(customer_id, running.progress)
        return running.task.result()

    async def _pass(self, customer_id: int, progress: Progress, announce: bool) -> SyncOutcome:
        target = await self._target(customer_id)
        actor = _actor(customer_id)
        try:
            while await self._page(actor, target, progress):
                pass
        except UpstreamError as failure:
            await self._failed(actor, progress, failure.error)
            raise rules.as_seen_by_users(failure.error) from None
        outcome = await self._outcome(customer_id, progress)
        if progress.started or announce:
            async with self._transactions.begin(actor) as work:
                connection_operations.pass_completed(work, outcome)
        return outcome

    async def _page(self, actor: Actor, target: SyncTarget, progress: Progress) -> bool:
        """Carries one page; False when nothing waits. Raises Unavailable when halted."""
        progress.check()
        page = await self._take(actor, progress)
        if page is None:
            return False
        async with self._database.read() as session:
            log_id = await eventlog.log_id(session)
        async with self._database.read() as session:
            cargo = await items.load(session, actor.customer_id, page)
        receipt = await progress.push(target, deliveries(log_id, page, cargo))
        async with self._transactions.begin(actor) as work:
            failed = await delivery.settle_page(work, self.lane.reader, page, cargo, receipt)
        if failed is not None:
            progress.failed += failed
            progress.synced += page.weight - failed
        return True

    async def _take(self, actor: Actor, progress: Progress) -> QueuePage | None:
        async with self._database.read() as session:  # the count, outside of the writer's turn
            await self.queue.figures(session, actor.customer_id)
        async with self._transactions.begin(actor) as work:
            waiting = await self.queue.keep(work)
            page = await delivery.take_page(work, self.lane.reader, self.page_items)
            if page is not None and not progress.started:
                connection_operations.pass_started(work, waiting)
        progress.started = progress.started or page is not None
        return page

    async def _failed(self, actor: Actor, progress: Progress, error: DomainError) -> None:
        outcome = await self._outcome(actor.customer_id, progress)
        async with self._transactions.begin(actor) as work:
            await connection_operations.pass_failed(work, outcome, error)

    async def _outcome(self, customer_id: int, progress: Progress) -> SyncOutcome:
        async with self._database.read() as session:
            figures = await self.queue.figures(session, customer_id)
        return SyncOutcome(progress.synced, progress.failed, figures.size)

    async def _target(self, customer_id: int) -> SyncTarget:
        """Raises Unavailable where the way is not built, Conflict where it is not provisioned or
        switched off."""
        async with self._database.read() as session:
            if not await self.lane.is_open(session, customer_id):
                raise Conflict(rules.SWITCHED_OFF)
            mode = await self._mode(session, customer_id)
            tokens = await provisioning.tokens(session, customer_id)
        return self._upstream.target(mode, tokens, cloud_allowed=self.cloud_allowed)


def _yes() -> bool:
    return True


def _actor(customer_id: int) -> Actor:
    return system_actor(COMPONENT, customer_id)

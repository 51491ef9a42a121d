"""Delivers in the background for as long as it runs."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass, replace
from random import SystemRandom
from typing import Final

from domain.kernel.actor import system_actor
from domain.kernel.errors import DomainError
from domain.kernel.uow import Transactions
from domain.sync.passes import COMPONENT, SyncRunner

MAX_DOUBLINGS: Final = 16
_random: Final = SystemRandom()
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SyncSchedule:
    """Between passes: `interval_s`, up to `jitter` of it more or less, so that edges that start
    together do not come together. After failures in a row the pause doubles, up to a cap."""

    interval_s: float = 30.0
    jitter: float = 0.2
    cap_s: float = 300.0

    def pause_s(self, failures: int) -> float:
        spread = _random.uniform(1 - self.jitter, 1 + self.jitter)
        longest = max(self.interval_s, self.cap_s)
        doubled: float = self.interval_s * 2 ** min(failures, MAX_DOUBLINGS)
        return min(longest, doubled) * spread


class SyncWorker:
    """One customer's background delivery. It runs all the time and delivers only while the edge
    can (provisioned in mode DIRECT_CLOUD, or linked in mode VIA_LOCAL_SERVER): either may change
    at any moment. Storage that is away is waited for."""

    def __init__(
        self,
        runner: SyncRunner,
        transactions: Transactions,
        customer_id: int,
        schedule: SyncSchedule | None = None,
    ) -> None:
        self._runner = runner
        self._transactions = transactions
        self._customer_id = customer_id
        self._schedule = schedule or SyncSchedule()

    def reschedule(self, interval_s: float) -> None:
        """From the pause on that is under way, which is cut short."""
        self._schedule = replace(self._schedule, interval_s=interval_s)
        self._runner.wake()

    async def run(self) -> None:
        """Until cancelled. The first turn comes soon: a restart has a backlog more often."""
        failures = 0
        await asyncio.sleep(_random.uniform(0, self._schedule.interval_s * self._schedule.jitter))
        while True:
            try:
                await self._turn()
                failures = 0
            except DomainError as error:
                # The journal has it when upstream failed; our own storage cannot be told now.
                logger.log(
                    logging.DEBUG if failures else logging.WARNING,
                    "background delivery failed: %s",
                    error.message,
                )
                failures += 1
            await self._pause(self._schedule.pause_s(failures))

    async def _pause(self, pause_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._runner.woken.wait()
        self._runner.woken.clear()

    async def _turn(self) -> None:
        if await self._runner.is_ready(self._customer_id):
            await self._runner.deliver_quietly(self._customer_id)
            return
        queue = self._runner.queue
        async with self._transactions.database.read() as session:
            worth_keeping = await queue.is_worth_keeping(session, self._customer_id)
        if worth_keeping:
            async with self._transactions.begin(system_actor(COMPONENT, self._customer_id)) as work:
                await queue.keep(work)

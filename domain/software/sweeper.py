"""Drives every active rollout for as long as it runs; one per process, any number of processes."""

import logging
from typing import Final

from domain.kernel.actor import system_actor
from domain.kernel.errors import DomainError
from domain.kernel.sweeping import sweep_for_ever
from domain.kernel.uow import Transactions
from domain.software.operations import targets
from domain.software.operations.engine import advance, peek
from domain.software.ports import DeviceDirectory, UndoneUpdate
from domain.software.repository import rollouts
from domain.software.rows import ActiveRollout

COMPONENT: Final = "rollout"
# A rollout of many devices must not keep the others waiting.
MOST_STEPS: Final = 50
MOST_UNDONE: Final = 500
logger = logging.getLogger(__name__)


class RolloutSweeper:
    """Looks at all rollouts of all customers every `interval_s`, which is also how late a start
    time, a window or a deadline may be kept."""

    def __init__(
        self, transactions: Transactions, devices: DeviceDirectory, *, interval_s: float = 1.0
    ) -> None:
        self._transactions = transactions
        self._devices = devices
        self._interval_s = interval_s

    async def run(self) -> None:
        """Until cancelled. Storage that is away is waited for."""
        await sweep_for_ever(self.sweep, self._interval_s, logger, "rollouts not driven")

    async def sweep(self) -> int:
        """One pass; how many steps were taken. One rollout's trouble is not another's."""
        async with self._transactions.database.read() as session:
            active = await rollouts.active(session)
            undone = await self._devices.undone_updates(session, MOST_UNDONE) if active else []
        steps = 0
        for update in undone:
            steps += await self._fail(update)
        for one in active:
            try:
                steps += await self._drive(one)
            except DomainError as error:
                # Mostly another process that was first: the next pass looks again.
                logger.info("rollout %s not driven: %s", one.rollout_id, error.message)
            except Exception:
                logger.exception("rollout %s broke", one.rollout_id)
        return steps

    async def _fail(self, update: UndoneUpdate) -> bool:
        """That a device will not even begin is known long before its deadline."""
        customer_id = update.customer_id
        try:
            told = targets.refusal(update.command_id, update.message)
            async with self._transactions.begin(system_actor(COMPONENT, customer_id)) as work:
                await targets.report(work, told)
        except DomainError as error:
            logger.info("update %s not failed: %s", update.command_id, error.message)
            return False
        return True

    async def _drive(self, one: ActiveRollout) -> int:
        for taken in range(MOST_STEPS):
            if not await self._step(one):
                return taken
        return MOST_STEPS

    async def _step(self, one: ActiveRollout) -> bool:
        now_us = self._transactions.clock.now_us()
        async with self._transactions.database.read() as session:
            if not await peek(session, *one, now_us, self._devices):
                return False
        async with self._transactions.begin(system_actor(COMPONENT, one.customer_id)) as work:
            return await advance(work, one.rollout_id, self._devices)

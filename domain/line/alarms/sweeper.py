"""What happens to alarms because time passes: an alarm's time on the shelf is over.

Every process that has a line may run one: each change is conditional, so two do not do it twice.
"""

import logging
from typing import Final

from domain.kernel.actor import system_actor
from domain.kernel.sweeping import sweep_for_ever
from domain.kernel.uow import Transactions
from domain.line.alarms import operations, repository

COMPONENT: Final = "alarms"
PAGE: Final = 500
logger = logging.getLogger(__name__)


class AlarmSweeper:
    """An alarm is off the shelf at most `interval_s` late."""

    def __init__(self, transactions: Transactions, *, interval_s: float = 1.0) -> None:
        self._transactions = transactions
        self._interval_s = interval_s

    async def run(self) -> None:
        """Until cancelled. Storage that is away is waited for."""
        await sweep_for_ever(self.sweep, self._interval_s, logger, "shelved alarms not looked at")

    async def sweep(self) -> int:
        """One pass; how many came off the shelf."""
        now_us = self._transactions.clock.now_us()
        async with self._transactions.database.read() as session:
            due = await repository.shelved_until(session, now_us, PAGE)
        ended = 0
        for customer_id, alarm_id in due:
            async with self._transactions.begin(system_actor(COMPONENT, customer_id)) as work:
                ended += await operations.end_shelving(work, alarm_id)
        return ended

"""What happens because time passes: silence, unanswered commands.

Every process of a factory may run one: each change is conditional, so two do not do it twice.
"""

import logging
from typing import Final

from domain.fleet.models import CommandState
from domain.fleet.operations import outcomes, presence
from domain.fleet.operations import sessions as session_operations
from domain.fleet.repository import commands, devices, sessions
from domain.fleet.rules import FleetSettings
from domain.kernel.actor import system_actor
from domain.kernel.clock import SECOND_US
from domain.kernel.sweeping import sweep_for_ever
from domain.kernel.uow import Transactions

COMPONENT: Final = "fleet"
PAGE: Final = 500
# Who waits for an answer ends the command itself; the sweeper is for those nobody waits for.
GRACE_US: Final = SECOND_US
logger = logging.getLogger(__name__)


class FleetSweeper:
    def __init__(self, transactions: Transactions, settings: FleetSettings) -> None:
        self._transactions = transactions
        self._settings = settings

    async def run(self) -> None:
        """Until cancelled. Storage that is away is waited for."""
        await sweep_for_ever(self.sweep, self._settings.sweep_s, logger, "fleet sweep failed")

    async def sweep(self) -> int:
        """How many things changed."""
        changed = await self._sessions() + await self._presence() + await self._commands()
        if changed:
            logger.info("fleet sweep changed %d", changed)
        return changed

    async def _sessions(self) -> int:
        """Of processes that went down without a word."""
        before_us = self._now_us() - self._settings.silent_after_us
        async with self._transactions.database.read() as session:
            found = await sessions.stale(session, before_us, PAGE)
        changed = 0
        for customer_id, device_id, session_id in found:
            async with self._transactions.begin(system_actor(COMPONENT, customer_id)) as work:
                changed += await session_operations.close_session(
                    work, device_id, session_id, presence.SILENT
                )
        return changed

    async def _presence(self) -> int:
        before_us = self._now_us() - self._settings.silent_after_us
        async with self._transactions.database.read() as session:
            found = await devices.silent(session, before_us, PAGE)
        changed = 0
        for customer_id, device_id in found:
            async with self._transactions.begin(system_actor(COMPONENT, customer_id)) as work:
                device = await presence.fell_silent(work, device_id, self._settings)
                changed += device is not None
        return changed

    async def _commands(self) -> int:
        async with self._transactions.database.read() as session:
            found = await commands.due(session, self._now_us() - GRACE_US, PAGE)
        changed = 0
        for customer_id, command_id, state in found:
            changed += await self._run_out(customer_id, command_id, state)
        return changed

    async def _run_out(self, customer_id: int, command_id: str, state: CommandState) -> bool:
        async with self._transactions.begin(system_actor(COMPONENT, customer_id)) as work:
            return await outcomes.run_out(work, command_id, state) is not None

    def _now_us(self) -> int:
        return self._transactions.clock.now_us()

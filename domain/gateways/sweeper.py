"""What happens because time passes: a gateway falls silent.

Every process of a factory may run one: each change is conditional, so two do not tell it twice.
"""

import logging
from typing import Final

from domain.gateways.operations import membership, presence
from domain.gateways.ports import GatewaySettings
from domain.gateways.repository import gateways
from domain.gateways.rules import ACTIVE_US
from domain.kernel.actor import system_actor
from domain.kernel.sweeping import sweep_for_ever
from domain.kernel.uow import Transactions

COMPONENT: Final = "gateways"
PAGE: Final = 500
logger = logging.getLogger(__name__)


class GatewaySweeper:
    def __init__(self, transactions: Transactions, settings: GatewaySettings) -> None:
        self._transactions = transactions
        self._settings = settings

    async def run(self) -> None:
        """Until cancelled. Storage that is away is waited for."""
        await sweep_for_ever(self.sweep, self._settings.sweep_s, logger, "gateway sweep failed")

    async def sweep(self) -> int:
        """How many were looked at again."""
        before_us = self._transactions.clock.now_us() - ACTIVE_US
        async with self._transactions.database.read() as session:
            found = await gateways.fallen_silent(session, before_us, PAGE)
        for customer_id, gateway_id in found:
            async with self._transactions.begin(system_actor(COMPONENT, customer_id)) as work:
                await membership.hold(work, gateway_id)
                await presence.settle(work, gateway_id)
        return len(found)

"""API keys: whose they are, and when they were last used."""

import logging

from domain.identity.api_keys import operations, repository, rules
from domain.identity.api_keys.rows import ApiKeyRow
from domain.identity.ports import SecretMacs
from domain.kernel.actor import system_actor
from domain.kernel.errors import DomainError, Unauthorized
from domain.kernel.uow import Transactions
from drivers.identity.actors import KeyStanding

COMPONENT = "api-keys"
logger = logging.getLogger(__name__)


class StoredKeys:
    """A KeySource on this installation's database. What it answers is good for a minute at most:
    so long the last use need not be written down again."""

    def __init__(self, transactions: Transactions, macs: SecretMacs) -> None:
        self._transactions = transactions
        self._macs = macs

    async def standing(self, key: str) -> KeyStanding:
        now_us = self._transactions.clock.now_us()
        row = await self._row(key)
        if row is None or not rules.is_good(row, now_us):
            raise Unauthorized("Invalid or missing token")
        if rules.use_is_due(row, now_us):
            await self._note_use(row)
        ends_us = rules.session_ends_us(row, now_us)
        look_again_us = min(now_us + rules.USE_NOTED_US, ends_us)
        return KeyStanding(rules.actor_of_key(row), ends_us, look_again_us)

    async def _row(self, key: str) -> ApiKeyRow | None:
        if not rules.can_be_key(key):
            return None
        async with self._transactions.database.read() as session:
            return await repository.by_mac(session, self._macs.of(rules.PURPOSE, key))

    async def _note_use(self, row: ApiKeyRow) -> None:
        """A disk that is full must not close out whoever only reads."""
        try:
            async with self._transactions.begin(system_actor(COMPONENT, row.customer_id)) as work:
                await operations.note_use(work, row.id)
        except DomainError as error:
            logger.warning("use of an API key not noted: %s", error.message)

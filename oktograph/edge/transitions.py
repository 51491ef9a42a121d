"""What the journal says of peers that come and go."""

from typing import Final

import structlog

from domain.journal.models import Severity
from domain.journal.operations import record
from domain.kernel.actor import system_actor
from domain.kernel.errors import DomainError
from domain.kernel.uow import Transactions
from drivers.link import LinkState, StateChange

logger = structlog.get_logger(__name__)
NOTABLE: Final = {
    LinkState.CONNECTED: (Severity.INFO, "connected"),
    LinkState.LOST: (Severity.ERROR, "lost"),
    LinkState.FAULTED: (Severity.CRITICAL, "cannot work as configured"),
}


class TransitionJournal:
    """An `OnTransition`. `component` acts, `category` is the journal's."""

    def __init__(
        self, transactions: Transactions, customer_id: int, component: str, category: str
    ) -> None:
        self._transactions = transactions
        self._actor = system_actor(component, customer_id)
        self._category = category

    async def __call__(self, change: StateChange) -> None:
        """A lost peer is an entry in the journal; that the journal cannot be written is not the
        peer's trouble, and is logged."""
        notable = NOTABLE.get(change.state)
        if notable is None:
            return
        severity, what = notable
        message = f"{change.name} {what}" + (f": {change.reason}" if change.reason else "")
        try:
            async with self._transactions.begin(self._actor) as work:
                await record(
                    work, message, category=self._category, source=change.name, severity=severity
                )
        except DomainError as error:
            logger.warning("not journalled", message=message, cause=error.message)

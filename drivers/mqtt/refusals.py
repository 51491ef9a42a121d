"""What was not stored, told to people: counted always, journalled now and then."""

from collections import Counter, OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import structlog

from domain.gateways.rules import CATEGORY
from domain.journal.models import Severity
from domain.journal.operations import record
from domain.kernel.actor import system_actor
from domain.kernel.clock import SECOND_US, Clock
from domain.kernel.errors import DomainError
from domain.kernel.uow import Transactions

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

COMPONENT: Final = "mqtt"
QUIET_US: Final = 60 * SECOND_US
"""The same refusal of the same gateway is one entry a minute, which says how many there were."""
MAX_OPEN: Final = 1_000
MAX_KEY: Final = 64


class Refusal(StrEnum):
    """Why a message was dropped."""

    FOREIGN_TOPIC = "foreign_topic"
    MALFORMED = "malformed"
    OVERFLOW = "overflow"
    OVERSIZE = "oversize"
    RETAINED = "retained"
    UNKNOWN_GATEWAY = "unknown_gateway"
    UNSTORABLE = "unstorable"


_WORDS: Final = {
    Refusal.FOREIGN_TOPIC: "a message on a topic of no gateway",
    Refusal.MALFORMED: "a message that is no event",
    Refusal.OVERFLOW: "more messages at once than there is room for",
    Refusal.OVERSIZE: "a message that is too long",
    Refusal.RETAINED: "a message of old that the broker keeps and shows again",
    Refusal.UNKNOWN_GATEWAY: "a message of a gateway that nobody knows",
    Refusal.UNSTORABLE: "a scan that could not be stored",
}


@dataclass(slots=True)
class _Open:
    """Since `since_us` there were `count` that the journal does not tell yet."""

    since_us: int
    count: int = 0


class Refusals:
    """`counted` since the start, by reason. `customer_id` is told of what is nobody's."""

    def __init__(self, transactions: Transactions, clock: Clock, customer_id: int) -> None:
        self.counted: Counter[str] = Counter(dict.fromkeys(Refusal, 0))
        self._transactions = transactions
        self._clock = clock
        self._customer_id = customer_id
        self._open: OrderedDict[tuple[Refusal, str], _Open] = OrderedDict()

    async def tell(
        self, why: Refusal, source: str, reason: str, customer_id: int | None = None
    ) -> None:
        """`source` is whom it came from, as far as that is known. Never raises: that the journal
        cannot be written must not keep the next message waiting."""
        self.counted[why] += 1
        source = source[:MAX_KEY] or "unknown"
        due = self._due(why, source)
        if not due:
            return
        log.warning("message refused", why=str(why), source=source, reason=reason, count=due)
        actor = system_actor(COMPONENT, customer_id or self._customer_id)
        try:
            async with self._transactions.begin(actor) as work:
                await record(
                    work,
                    f"{source}: {_WORDS[why]}: {reason}",
                    category=CATEGORY,
                    source=source,
                    severity=Severity.WARNING,
                    data={"refusal": str(why), "count": due},
                )
        except DomainError as error:
            log.warning("not journalled", source=source, cause=error.message)

    def _due(self, why: Refusal, source: str) -> int:
        """How many the next entry tells of, or 0 where there was one just now."""
        now_us = self._clock.now_us()
        # Topics that mean nobody are as many as somebody likes: they share one entry.
        key = (why, source if why is not Refusal.UNKNOWN_GATEWAY else "")
        found = self._open.get(key)
        if found is None or now_us - found.since_us >= QUIET_US:
            owed = found.count if found else 0
            self._open[key] = _Open(now_us)
            self._open.move_to_end(key)
            if len(self._open) > MAX_OPEN:
                self._open.popitem(last=False)
            return owed + 1
        found.count += 1
        return 0

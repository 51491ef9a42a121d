"""What production asks of others: for its overview, and for batches that were made elsewhere."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from domain.kernel.database import ReadSession
from domain.production.models import BottleStatus


class FleetTotals(NamedTuple):
    """`queue_total` is what all devices last reported to wait in their queues."""

    online: int
    offline: int
    queue_total: int


class FleetFigures(Protocol):
    """Implemented by the fleet, from figures that are kept, not counted over history."""

    async def totals(self, session: ReadSession, customer_id: int) -> FleetTotals: ...


class SourcedBottle(NamedTuple):
    """A bottle as its batch has it. `gtin` has 14 digits."""

    id: str
    gtin: str
    serial: str
    status: BottleStatus | int


class SourcedBatch(NamedTuple):
    """A batch with all that is in it."""

    id: str
    identifier: str
    name: str
    line_id: str | None
    bottles: Sequence[SourcedBottle]


class BatchSource(Protocol):
    """Where batches come from that are to be checked against."""

    async def find(self, customer_id: int, key: str) -> SourcedBatch | None:
        """By the batch's id or its printed identifier; None where nobody knows it. Raises
        Unavailable, TimedOut or UpstreamFailed where that cannot be told now."""

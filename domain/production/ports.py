"""What production asks of others for its overview."""

from typing import NamedTuple, Protocol

from domain.kernel.database import ReadSession


class FleetTotals(NamedTuple):
    """`queue_total` is what all devices last reported to wait in their queues."""

    online: int
    offline: int
    queue_total: int


class FleetFigures(Protocol):
    """Implemented by the fleet, from figures that are kept, not counted over history."""

    async def totals(self, session: ReadSession, customer_id: int) -> FleetTotals: ...

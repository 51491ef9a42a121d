"""What the graph shows of the journal."""

import orjson
import strawberry
from strawberry.scalars import JSON

from domain.journal.models import Severity
from domain.journal.rows import EventRow
from graph.pagination import Node, global_id
from graph.scalars import Timestamp

strawberry.enum(Severity, name="Severity")


@strawberry.type(description="An entry of the journal")
class Event(Node):
    severity: Severity
    category: str
    source: str
    message: str
    occurred_at: Timestamp
    acknowledged_at: Timestamp | None
    acknowledged_by: str | None
    row: strawberry.Private[EventRow]

    @strawberry.field(description="What else is known of it")
    def data(self) -> JSON | None:
        return None if self.row.data is None else JSON(orjson.loads(self.row.data))


@strawberry.type
class EventStreamItem:
    cursor: str
    event: Event


@strawberry.type
class EventsAcknowledged:
    acknowledged: int


def event_type(row: EventRow) -> Event:
    seen = row.acknowledged_at_us
    return Event(
        id=global_id("Event", row.id),
        severity=Severity(row.severity),
        category=row.category,
        source=row.source,
        message=row.message,
        occurred_at=Timestamp(row.occurred_at_us),
        acknowledged_at=None if seen is None else Timestamp(seen),
        acknowledged_by=row.acknowledged_by,
        row=row,
    )

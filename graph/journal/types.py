"""What the graph shows of the journal."""

import orjson
import strawberry
from strawberry.scalars import JSON

from domain.journal.audit import AuditRow
from domain.journal.models import Severity
from domain.journal.rows import EventRow
from graph.pagination import Node, global_id
from graph.scalars import Timestamp, moment

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


@strawberry.type(description="Who wrote: a user or a device")
class AuditActor:
    kind: str
    id: strawberry.ID
    username: str


@strawberry.type(description="A write, chained by `hash` to the one before it")
class AuditEntry(Node):
    action: str
    entity_type: str
    entity_id: str
    actor: AuditActor
    at: Timestamp
    hash: str
    row: strawberry.Private[AuditRow]

    @strawberry.field(description="What was there")
    def before(self) -> JSON | None:
        return None if self.row.before is None else JSON(orjson.loads(self.row.before))

    @strawberry.field(description="What it became")
    def after(self) -> JSON:
        return JSON(orjson.loads(self.row.after))


def audit_type(row: AuditRow) -> AuditEntry:
    actor = AuditActor(kind=row.actor_kind, id=strawberry.ID(row.actor_id), username=row.actor_name)
    return AuditEntry(
        id=global_id("AuditEntry", row.id),
        action=row.action,
        entity_type=row.entity_type,
        entity_id=row.entity_id,
        actor=actor,
        at=Timestamp(row.occurred_at_us),
        hash=row.hash,
        row=row,
    )


def event_type(row: EventRow) -> Event:
    return Event(
        id=global_id("Event", row.id),
        severity=Severity(row.severity),
        category=row.category,
        source=row.source,
        message=row.message,
        occurred_at=Timestamp(row.occurred_at_us),
        acknowledged_at=moment(row.acknowledged_at_us),
        acknowledged_by=row.acknowledged_by,
        row=row,
    )

"""Inputs of the journal."""

import strawberry
from strawberry.scalars import JSON

from domain.journal.audit import AuditFilter
from domain.journal.commands import EventFilter, RecordEvent
from domain.journal.models import OPERATOR, Severity
from graph.pagination import plain_id
from graph.scalars import Timestamp


@strawberry.input
class EventFilterInput:
    severity: Severity | None = None
    category: str | None = None
    source: str | None = None
    acknowledged: bool | None = None
    occurred_from: Timestamp | None = None
    occurred_to: Timestamp | None = None

    def wanted(self) -> EventFilter:
        return EventFilter.of(
            severity=self.severity,
            category=self.category,
            source=self.source,
            acknowledged=self.acknowledged,
            from_us=self.occurred_from,
            to_us=self.occurred_to,
        )


@strawberry.input
class RecordEventInput:
    message: str
    severity: Severity = Severity.INFO
    category: str | None = None
    source: str | None = None
    data: JSON | None = None

    def command(self) -> RecordEvent:
        return RecordEvent.of(
            message=self.message,
            severity=self.severity,
            category=self.category or OPERATOR,
            source=self.source,
            data=self.data,
        )


@strawberry.input
class AuditFilterInput:
    actor_id: strawberry.ID | None = None
    entity_id: str | None = None
    entity_type: str | None = None
    action: str | None = None
    occurred_from: Timestamp | None = None
    occurred_to: Timestamp | None = None

    def wanted(self) -> AuditFilter:
        return AuditFilter(
            actor_id=plain_id(self.actor_id, "User") if self.actor_id else None,
            entity_id=self.entity_id,
            entity_type=self.entity_type,
            action=self.action,
            occurred_from_us=self.occurred_from,
            occurred_to_us=self.occurred_to,
        )

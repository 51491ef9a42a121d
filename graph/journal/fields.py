"""Fields of the journal."""

import strawberry

from domain.journal.audit import AuditFilter
from domain.journal.commands import ALL
from graph.info import Info
from graph.journal import resolvers
from graph.journal.inputs import AuditFilterInput, EventFilterInput, RecordEventInput
from graph.journal.types import (
    AuditEntry,
    Event,
    EventsAcknowledged,
    audit_type,
    event_type,
)
from graph.pagination import found, global_id, list_field, plain_id


@strawberry.type
class JournalQuery:
    events = list_field(
        Event,
        EventFilterInput,
        ALL,
        resolvers.events,
        resolvers.count_events,
        event_type,
        "The journal, newest first",
    )

    audit_log = list_field(
        AuditEntry,
        AuditFilterInput,
        AuditFilter(),
        resolvers.audit_log,
        resolvers.count_audit_log,
        audit_type,
        "Every write of a user or a device, newest first; scans are a record of their own",
    )

    @strawberry.field(description="The first entry of the audit that does not fit, or null")
    async def audit_break(self, info: Info) -> strawberry.ID | None:
        broken = await resolvers.audit_break(info.context)
        return None if broken is None else global_id("AuditEntry", broken)

    @strawberry.field
    async def event(self, info: Info, id: strawberry.ID) -> Event | None:
        return found(await resolvers.event(info.context, plain_id(id, "Event")), event_type)


@strawberry.type
class JournalMutation:
    @strawberry.mutation(description="An operator's note")
    async def record_event(self, info: Info, input: RecordEventInput) -> Event:
        return event_type(await resolvers.record_event(info.context, input.command()))

    @strawberry.mutation(description="Stores who and when, once; again answers the first")
    async def acknowledge_event(self, info: Info, id: strawberry.ID) -> Event:
        return event_type(await resolvers.acknowledge_event(info.context, plain_id(id, "Event")))

    @strawberry.mutation(description="All that match and stand when it begins")
    async def acknowledge_all_events(
        self, info: Info, filter: EventFilterInput | None = None
    ) -> EventsAcknowledged:
        wanted = filter.wanted() if filter else ALL
        count = await resolvers.acknowledge_all_events(info.context, wanted)
        return EventsAcknowledged(acknowledged=count)

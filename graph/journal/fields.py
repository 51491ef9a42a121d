"""Fields of the journal."""

from functools import partial

import strawberry

from domain.journal.commands import ALL
from graph.info import Info
from graph.journal import resolvers
from graph.journal.inputs import EventFilterInput, RecordEventInput
from graph.journal.types import Event, EventsAcknowledged, event_type
from graph.pagination import Connection, connection, plain_id, window


@strawberry.type
class JournalQuery:
    @strawberry.field(description="The journal, newest first")
    async def events(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: EventFilterInput | None = None,
    ) -> Connection[Event]:
        wanted = filter.wanted() if filter else ALL
        page = await resolvers.events(info.context, wanted, window(first, after, last, before))
        return connection(page, event_type, partial(resolvers.count_events, info.context, wanted))

    @strawberry.field
    async def event(self, info: Info, id: strawberry.ID) -> Event | None:
        row = await resolvers.event(info.context, plain_id(id, "Event"))
        return None if row is None else event_type(row)


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

"""The use cases of the journal."""

from collections.abc import AsyncIterator, Sequence

from domain.journal import audit, operations, repository
from domain.journal.commands import ALL, EventFilter, RecordEvent
from domain.journal.rows import EventRow
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from graph.context import Context


async def events(context: Context, wanted: EventFilter, page: PageRequest) -> Page[EventRow]:
    """Newest first."""
    context.actor.require(Permission.JOURNAL_EVENT_READ)
    async with context.read() as session:
        return await repository.events_page(session, context.customer_id, wanted, page)


async def count_events(context: Context, wanted: EventFilter) -> int:
    context.actor.require(Permission.JOURNAL_EVENT_READ)
    async with context.read() as session:
        return await repository.count_events(session, context.customer_id, wanted)


async def event(context: Context, event_id: str) -> EventRow | None:
    context.actor.require(Permission.JOURNAL_EVENT_READ)
    if not is_id(event_id):
        return None
    async with context.read() as session:
        return await repository.event(session, context.customer_id, event_id)


async def export_events(context: Context, wanted: EventFilter) -> AsyncIterator[Sequence[EventRow]]:
    """Every matching row in batches, newest first. Awaiting authorises, before a face has begun
    its answer; iterating reads."""
    context.actor.require(Permission.JOURNAL_EVENT_EXPORT)
    return repository.all_events(context, context.customer_id, wanted)


async def record_event(context: Context, command: RecordEvent) -> EventRow:
    context.actor.require(Permission.JOURNAL_EVENT_RECORD)
    async with context.transaction() as work:
        return await operations.record(
            work,
            command.message,
            category=command.category,
            source=command.source or context.actor.name,
            severity=command.severity,
            data=command.data,
        )


async def acknowledge_event(context: Context, event_id: str) -> EventRow:
    """Raises NotFound. Again answers who did it first, and when."""
    context.actor.require(Permission.JOURNAL_EVENT_ACKNOWLEDGE)
    async with context.transaction() as work:
        return await operations.acknowledge(work, event_id)


async def acknowledge_all_events(context: Context, wanted: EventFilter = ALL) -> int:
    """How many this call acknowledged, of those that stood when it began.

    A unit of work for each batch: a year of events in one would hold the writer for seconds, and
    an acknowledgement needs no neighbour to be true.
    """
    context.actor.require(Permission.JOURNAL_EVENT_ACKNOWLEDGE)
    async with context.read() as session:
        newest = await repository.newest_id(session, context.customer_id)
    count, more = 0, newest is not None
    while more:
        async with context.transaction() as work:
            changed, more = await operations.acknowledge_some(work, wanted, newest or "")
        count += changed
    return count


async def audit_log(
    context: Context, wanted: audit.AuditFilter, page: PageRequest
) -> Page[audit.AuditRow]:
    """Newest first."""
    context.actor.require(Permission.JOURNAL_AUDIT_READ)
    async with context.read() as session:
        return await audit.entries(session, context.customer_id, wanted, page)


async def audit_entry(context: Context, entry_id: str) -> audit.AuditRow | None:
    context.actor.require(Permission.JOURNAL_AUDIT_READ)
    if not is_id(entry_id):
        return None
    async with context.read() as session:
        return await audit.entry(session, context.customer_id, entry_id)


async def count_audit_log(context: Context, wanted: audit.AuditFilter) -> int:
    context.actor.require(Permission.JOURNAL_AUDIT_READ)
    async with context.read() as session:
        return await audit.count(session, context.customer_id, wanted)


async def audit_break(context: Context) -> str | None:
    """The first entry that was tampered with, or null. Reads the whole chain."""
    context.actor.require(Permission.JOURNAL_AUDIT_READ)
    async with context.read() as session:
        return await audit.first_break(session, context.customer_id)

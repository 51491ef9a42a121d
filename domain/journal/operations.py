"""Writes of the journal inside a given unit of work. `record` is for every other context."""

from typing import Any, Final

from domain.journal import events, repository, rules
from domain.journal.commands import EventFilter
from domain.journal.models import Severity
from domain.journal.rows import EventRow
from domain.kernel.errors import NotFound
from domain.kernel.ids import is_id, new_id
from domain.kernel.text import storable
from domain.kernel.uow import UnitOfWork

ACKNOWLEDGE_BATCH: Final = 500


async def record(
    work: UnitOfWork,
    message: str,
    *,
    category: str,
    source: str,
    severity: Severity = Severity.INFO,
    data: dict[str, Any] | None = None,
) -> EventRow:
    """Text that a database cannot hold is replaced, never refused: what a device said must not
    keep it out of the journal. Raises ValidationFailed for `data` that is no JSON or too long."""
    event = EventRow(
        id=new_id(),
        severity=severity,
        category=category,
        source=storable(source),
        message=storable(message),
        data=rules.data_text(data),
        occurred_at_us=work.now_us,
        acknowledged_at_us=None,
        acknowledged_by=None,
    )
    await repository.insert_event(work.session, work.customer_id, event)
    work.record(events.STREAM, events.RECORDED, event.id, **event._asdict())
    return event


async def acknowledge(work: UnitOfWork, event_id: str) -> EventRow:
    """Stores who and when, once: again answers the first. Raises NotFound."""
    if is_id(event_id):
        await _acknowledge(work, [event_id])
        found = await repository.event(work.session, work.customer_id, event_id)
        if found is not None:
            return found
    raise NotFound("Event", event_id)


async def acknowledge_some(
    work: UnitOfWork, wanted: EventFilter, up_to_id: str
) -> tuple[int, bool]:
    """A batch of what matches: how many became acknowledged, and whether there may be more."""
    ids = await repository.open_ids(
        work.session, work.customer_id, wanted, up_to_id, ACKNOWLEDGE_BATCH
    )
    changed = await _acknowledge(work, ids) if ids else 0
    return changed, len(ids) == ACKNOWLEDGE_BATCH


async def _acknowledge(work: UnitOfWork, ids: list[str]) -> int:
    changed = await repository.acknowledge(
        work.session, work.customer_id, ids, work.now_us, work.actor.name
    )
    for event in sorted(changed):
        work.record(events.STREAM, events.ACKNOWLEDGED, event.id, **event._asdict())
    return len(changed)

"""What the journal says of alarms: one entry for each change that a person would notice."""

from typing import Any, Final

import orjson

from domain.journal import operations as journal
from domain.journal.models import ALARM, Severity
from domain.kernel.clock import iso
from domain.kernel.uow import UnitOfWork
from domain.line.alarms import events, rules
from domain.line.alarms.models import AlarmState
from domain.line.alarms.rows import AlarmRow

_BACK: Final = {
    events.UNSHELVED: "No longer shelved",
    events.RETURNED_TO_SERVICE: "In service again",
}


async def tell(work: UnitOfWork, fact: str, previous: AlarmRow, row: AlarmRow) -> None:
    """Nothing where the line itself changed no state: it was counted once more, or is silent."""
    if fact in events.BY_THE_LINE and row.state is previous.state:
        return
    await journal.record(
        work,
        _message(fact, row),
        category=ALARM,
        source=row.source,
        severity=_severity(row, fact),
        data=_data(work, previous, row),
    )


def _severity(row: AlarmRow, fact: str) -> Severity:
    """Of its priority where it begins to ask for somebody; what people do about it is INFO."""
    announced = fact == events.RAISED or fact in _BACK
    if announced and row.state is AlarmState.UNACKNOWLEDGED:
        return rules.SEVERITIES[row.priority]
    return Severity.INFO


def _message(fact: str, row: AlarmRow) -> str:
    by = f"by {row.suppressed_by} ({row.suppressed_reason})"
    if fact == events.CLEARED:
        return f"Over: {row.message}"
    if fact == events.ACKNOWLEDGED:
        return f"Acknowledged by {row.acknowledged_by}: {row.message}"
    if fact == events.SHELVED:
        return f"Shelved until {iso(row.shelved_until_us or 0)} {by}: {row.message}"
    if fact == events.TAKEN_OUT_OF_SERVICE:
        return f"Taken out of service {by}: {row.message}"
    if fact in _BACK:
        return f"{_BACK[fact]}, {'and still there' if row.active else 'and over'}: {row.message}"
    return row.message


def _data(work: UnitOfWork, previous: AlarmRow, row: AlarmRow) -> dict[str, Any]:
    return {
        "alarm_id": row.id,
        "kind": str(row.kind),
        "priority": str(row.priority),
        "state": str(row.state),
        "previous": str(previous.state),
        "active": row.active,
        "occurrences": row.occurrences,
        "by": work.actor.name,
        "data": None if row.data is None else orjson.loads(row.data),
    }

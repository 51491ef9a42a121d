"""Rows of alarms, as the repository returns them, facts carry them and every face presents them."""

from typing import NamedTuple

from domain.line.alarms.models import AlarmKind, AlarmPriority, AlarmState


class AlarmRow(NamedTuple):
    """See `models.Alarm`. Times in microseconds; `data` is JSON text of an object, or null."""

    id: str
    kind: AlarmKind
    source: str
    priority: AlarmPriority
    state: AlarmState
    state_at_us: int
    active: bool
    occurrences: int
    message: str
    data: str | None
    raised_at_us: int
    last_raised_at_us: int
    cleared_at_us: int | None
    acknowledged_at_us: int | None
    acknowledged_by: str | None
    shelved_until_us: int | None
    suppressed_at_us: int | None
    suppressed_by: str | None
    suppressed_reason: str | None
    version: int

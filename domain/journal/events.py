"""Facts of the journal. The key is the event's id, the payload the whole row as it became."""

from typing import Any, Final

from domain.journal.models import Severity
from domain.journal.rows import EventRow

STREAM: Final = "journal"

RECORDED: Final = "event.recorded"
ACKNOWLEDGED: Final = "event.acknowledged"


def event_of(payload: dict[str, Any]) -> EventRow:
    """The row that a fact of this stream carries."""
    return EventRow(**payload | {"severity": Severity(payload["severity"])})

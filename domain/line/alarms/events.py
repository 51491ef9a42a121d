"""Facts of alarms, past tense. The key is the alarm's id, the payload {alarm, previous}: the row
as it became, and the state that it was in."""

from typing import Any, Final

from domain.line.alarms.models import AlarmKind, AlarmPriority, AlarmState
from domain.line.alarms.rows import AlarmRow

STREAM: Final = "alarms"

RAISED: Final = "alarm.raised"
CLEARED: Final = "alarm.cleared"
ACKNOWLEDGED: Final = "alarm.acknowledged"
SHELVED: Final = "alarm.shelved"
UNSHELVED: Final = "alarm.unshelved"
TAKEN_OUT_OF_SERVICE: Final = "alarm.taken_out_of_service"
RETURNED_TO_SERVICE: Final = "alarm.returned_to_service"

BY_THE_LINE: Final = frozenset({RAISED, CLEARED})
"""What the condition did; the others are what somebody did about it."""


def alarm_of(payload: dict[str, Any]) -> AlarmRow:
    """The row that a fact of this stream carries."""
    row = payload["alarm"]
    return AlarmRow(
        **row
        | {
            "kind": AlarmKind(row["kind"]),
            "priority": AlarmPriority(row["priority"]),
            "state": AlarmState(row["state"]),
        }
    )


def previous_of(payload: dict[str, Any]) -> AlarmState:
    return AlarmState(payload["previous"])

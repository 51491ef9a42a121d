"""The states of an alarm and what leads from one to another (ISA-18.2), as data. Pure decisions.

A step takes the row as it is and answers it as it becomes: the same row where nothing is to be
done, Conflict for what does not go from there.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from domain.journal.models import Severity
from domain.kernel.errors import Conflict
from domain.line.alarms.models import AlarmKind, AlarmPriority, AlarmState
from domain.line.alarms.rows import AlarmRow

MAX_SHELVE_S: Final = 86_400
"""A day: whoever needs longer takes the alarm out of service, and answers for that."""
MOST_COUNTED: Final = 2**31 - 1
"""What both databases and GraphQL hold in an Int."""

PRIORITIES: Final[Mapping[AlarmKind, AlarmPriority]] = {
    # A bad item may stand among the good ones, or the line may no longer be able to reject.
    AlarmKind.REJECT_NOT_CONFIRMED: AlarmPriority.CRITICAL,
    AlarmKind.OUTPUT_FAILED: AlarmPriority.CRITICAL,
    AlarmKind.UPS_LOW_BATTERY: AlarmPriority.CRITICAL,
    # Production stands, or goes on blind.
    AlarmKind.WRONG_ITEM_REJECTED: AlarmPriority.HIGH,
    AlarmKind.NO_READ_BURST: AlarmPriority.HIGH,
    AlarmKind.DEVICE_LOST: AlarmPriority.HIGH,
    AlarmKind.DEVICE_MISCONFIGURED: AlarmPriority.HIGH,
    AlarmKind.PRINTER_FAULT: AlarmPriority.HIGH,
    AlarmKind.UPS_ON_BATTERY: AlarmPriority.HIGH,
    AlarmKind.LINE_STOPPED: AlarmPriority.HIGH,
    # A hand at the printer is enough.
    AlarmKind.PRINTER_OUT_OF_MEDIA: AlarmPriority.MEDIUM,
    AlarmKind.PRINTER_OUT_OF_RIBBON: AlarmPriority.MEDIUM,
    AlarmKind.PRINTER_HEAD_OPEN: AlarmPriority.MEDIUM,
    # Somebody took a good item off the belt.
    AlarmKind.UNEXPECTED_REJECT: AlarmPriority.LOW,
}
SEVERITIES: Final[Mapping[AlarmPriority, Severity]] = {
    AlarmPriority.LOW: Severity.WARNING,
    AlarmPriority.MEDIUM: Severity.WARNING,
    AlarmPriority.HIGH: Severity.ERROR,
    AlarmPriority.CRITICAL: Severity.CRITICAL,
}
"""How the journal announces an alarm."""


class AlarmEvent(StrEnum):
    RAISE = "RAISE"
    CLEAR = "CLEAR"
    ACKNOWLEDGE = "ACKNOWLEDGE"
    SHELVE = "SHELVE"
    UNSHELVE = "UNSHELVE"
    TAKE_OUT_OF_SERVICE = "TAKE_OUT_OF_SERVICE"
    RETURN_TO_SERVICE = "RETURN_TO_SERVICE"


_N: Final = AlarmState.NORMAL
_U: Final = AlarmState.UNACKNOWLEDGED
_A: Final = AlarmState.ACKNOWLEDGED
_R: Final = AlarmState.RETURNED_UNACKNOWLEDGED
_S: Final = AlarmState.SHELVED
_O: Final = AlarmState.OUT_OF_SERVICE
Next = AlarmState | Mapping[bool, AlarmState]
_BY_CONDITION: Final[Mapping[bool, AlarmState]] = {True: _U, False: _N}
"""Out of silence: what is wrong now asks for somebody now, whoever knew of it before."""

# What is missing is refused. A state that leads to itself has nothing to do; only RAISE counts and
# SHELVE sets a new end.
TRANSITIONS: Final[Mapping[AlarmEvent, Mapping[AlarmState, Next]]] = {
    AlarmEvent.RAISE: {_N: _U, _U: _U, _A: _U, _R: _U, _S: _S, _O: _O},
    AlarmEvent.CLEAR: {_N: _N, _U: _R, _A: _N, _R: _R, _S: _S, _O: _O},
    AlarmEvent.ACKNOWLEDGE: {_N: _N, _U: _A, _A: _A, _R: _N},
    AlarmEvent.SHELVE: {_N: _S, _U: _S, _A: _S, _R: _S, _S: _S},
    AlarmEvent.UNSHELVE: {_N: _N, _U: _U, _A: _A, _R: _R, _S: _BY_CONDITION},
    AlarmEvent.TAKE_OUT_OF_SERVICE: {_N: _O, _U: _O, _A: _O, _R: _O, _S: _O, _O: _O},
    AlarmEvent.RETURN_TO_SERVICE: {_N: _N, _U: _U, _A: _A, _R: _R, _O: _BY_CONDITION},
}
OPEN: Final = (_U, _R)
"""What an acknowledgement is for."""
_SUPPRESSED: Final = frozenset({_S, _O})
_WORDS: Final[Mapping[AlarmEvent, str]] = {
    AlarmEvent.ACKNOWLEDGE: "acknowledged",
    AlarmEvent.SHELVE: "shelved",
    AlarmEvent.UNSHELVE: "unshelved",
    AlarmEvent.RETURN_TO_SERVICE: "returned to service",
}


def next_state(event: AlarmEvent, state: AlarmState, active: bool) -> AlarmState:
    """`active` is whether the condition holds. Raises Conflict for what does not go from there."""
    found = TRANSITIONS[event].get(state)
    if found is None:
        raise Conflict(f"An alarm that is {state} cannot be {_WORDS[event]}", current=state.name)
    return found if isinstance(found, AlarmState) else found[active]


def is_announced(state: AlarmState) -> bool:
    """Whether anybody is to be told of what happens to the condition."""
    return state not in _SUPPRESSED


def never_raised(alarm_id: str, kind: AlarmKind, source: str, now_us: int) -> AlarmRow:
    """Where an alarm begins, before it is raised for the first time and stored."""
    return AlarmRow(
        id=alarm_id,
        kind=kind,
        source=source,
        priority=PRIORITIES[kind],
        state=_N,
        state_at_us=now_us,
        active=False,
        occurrences=0,
        message="",
        data=None,
        raised_at_us=now_us,
        last_raised_at_us=now_us,
        cleared_at_us=None,
        acknowledged_at_us=None,
        acknowledged_by=None,
        shelved_until_us=None,
        suppressed_at_us=None,
        suppressed_by=None,
        suppressed_reason=None,
        version=0,
    )


def raised(row: AlarmRow, message: str, data: str | None, now_us: int) -> AlarmRow:
    """Once more: never the same row. Whoever acknowledged it did so before this."""
    return _moved(
        row,
        AlarmEvent.RAISE,
        now_us,
        priority=PRIORITIES[row.kind],
        active=True,
        occurrences=min(row.occurrences + 1, MOST_COUNTED),
        message=message,
        data=data,
        raised_at_us=row.raised_at_us if row.active else now_us,
        last_raised_at_us=now_us,
        acknowledged_at_us=None,
        acknowledged_by=None,
    )


def cleared(row: AlarmRow, now_us: int) -> AlarmRow:
    if not row.active:
        return row
    return _moved(row, AlarmEvent.CLEAR, now_us, active=False, cleared_at_us=now_us)


def acknowledged(row: AlarmRow, by: str, now_us: int) -> AlarmRow:
    """By the first who did; it is remembered until the alarm is raised again."""
    told = {"acknowledged_at_us": now_us, "acknowledged_by": by} if row.state in OPEN else {}
    return _moved(row, AlarmEvent.ACKNOWLEDGE, now_us, **told)


def shelved(row: AlarmRow, until_us: int, by: str, reason: str, now_us: int) -> AlarmRow:
    """Again sets a new end, and who is to be asked about it."""
    return _moved(
        row,
        AlarmEvent.SHELVE,
        now_us,
        shelved_until_us=until_us,
        suppressed_at_us=now_us,
        suppressed_by=by,
        suppressed_reason=reason,
    )


def unshelved(row: AlarmRow, now_us: int) -> AlarmRow:
    return _moved(row, AlarmEvent.UNSHELVE, now_us)


def is_shelved_too_long(row: AlarmRow, now_us: int) -> bool:
    """Whether its time on the shelf is over."""
    return row.state is _S and row.shelved_until_us is not None and row.shelved_until_us <= now_us


def taken_out(row: AlarmRow, by: str, reason: str, now_us: int) -> AlarmRow:
    """By the first who did."""
    if row.state is _O:
        return row
    return _moved(
        row,
        AlarmEvent.TAKE_OUT_OF_SERVICE,
        now_us,
        shelved_until_us=None,
        suppressed_at_us=now_us,
        suppressed_by=by,
        suppressed_reason=reason,
    )


def returned(row: AlarmRow, now_us: int) -> AlarmRow:
    """To service."""
    return _moved(row, AlarmEvent.RETURN_TO_SERVICE, now_us)


def _moved(row: AlarmRow, event: AlarmEvent, now_us: int, **values: Any) -> AlarmRow:
    """As the table says, with what follows from any state that is reached."""
    state = next_state(event, row.state, row.active)
    if state is not row.state:
        values |= {"state": state, "state_at_us": now_us}
    if state is _U:
        values |= {"acknowledged_at_us": None, "acknowledged_by": None}
    if state is _N:
        values["occurrences"] = 0
    if row.state in _SUPPRESSED and state not in _SUPPRESSED:
        values |= dict.fromkeys(
            ("shelved_until_us", "suppressed_at_us", "suppressed_by", "suppressed_reason")
        )
    return row._replace(**values)

"""What can be asked of alarms, and about them. Ids are plain."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from domain.kernel.commands import Command
from domain.kernel.filters import Filter
from domain.line.alarms.models import AlarmKind, AlarmPriority, AlarmState
from domain.line.alarms.rules import MAX_SHELVE_S

# Something to read: more than blanks. Lone surrogates are refused as well.
Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$"),
]


class ShelveAlarm(Command):
    """Silent for `for_s` seconds, from now."""

    alarm_id: str
    for_s: Annotated[int, Field(ge=1, le=MAX_SHELVE_S, strict=True)]
    reason: Reason


class TakeAlarmOutOfService(Command):
    alarm_id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class AlarmFilter(Filter):
    """Every part that is set must hold; of several states or kinds any one will do."""

    state: tuple[AlarmState, ...] | None = None
    active: bool | None = None
    kind: AlarmKind | tuple[AlarmKind, ...] | None = None
    source: str | None = None
    priority: AlarmPriority | None = None


ALL = AlarmFilter()

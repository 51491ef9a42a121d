"""Inputs of the line, each named after its mutation."""

from collections import Counter

import strawberry

from domain.kernel.errors import ValidationFailed
from domain.line.alarms.commands import AlarmFilter
from domain.line.alarms.models import AlarmKind, AlarmPriority, AlarmState
from domain.line.commands import ChangeOverrides


@strawberry.input(description="Keys with `l2.override.` before them or without")
class OverrideInput:
    key: str
    value: str = strawberry.field(description="JSON, or a word that stands for itself")


@strawberry.input
class SetOverridesInput:
    set: list[OverrideInput] = strawberry.field(default_factory=list)
    unset: list[str] = strawberry.field(default_factory=list)
    actor: str | None = strawberry.field(default=None, description="The audit names the caller")

    def command(self) -> ChangeOverrides:
        keys = Counter(one.key for one in self.set)
        if repeated := [key for key, count in keys.items() if count > 1]:
            raise ValidationFailed("set", f"{repeated[0]} is given twice")
        given = {one.key: one.value for one in self.set}
        return ChangeOverrides.of(set=given, unset=tuple(self.unset), actor=self.actor)


@strawberry.input
class AlarmFilterInput:
    states: list[AlarmState] | None = strawberry.field(
        default=None, description="Any one of them will do"
    )
    active: bool | None = None
    kind: AlarmKind | None = None
    source: str | None = None
    priority: AlarmPriority | None = None

    def wanted(self) -> AlarmFilter:
        states = None if self.states is None else tuple(self.states)
        return AlarmFilter(states, self.active, self.kind, self.source, self.priority)

"""What the engine does next with a rollout. One step at a time, from a view of all it has."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.software.models import GroupState, RolloutState

MIN_SCANS: Final = 20


class Act(StrEnum):
    """START: its time has come. BEGIN: its first group goes. EXPIRE: end what is overdue.
    DISPATCH: send to devices that are due. STOP: nothing is on its way any more."""

    START = "START"
    BEGIN = "BEGIN"
    EXPIRE = "EXPIRE"
    HALT = "HALT"
    START_GROUP = "START_GROUP"
    FINISH_GROUP = "FINISH_GROUP"
    DISPATCH = "DISPATCH"
    FINISH = "FINISH"
    STOP = "STOP"


@dataclass(frozen=True, slots=True)
class Step:
    act: Act
    group_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class GroupView:
    id: str
    state: GroupState
    total: int
    succeeded: int
    errors: int
    open: int
    success_percent: int
    error_percent: int
    accepted_errors: int = 0

    @property
    def succeeds(self) -> bool:
        """finished / total >= t %; an empty group succeeds."""
        return self.succeeded * 100 >= self.success_percent * self.total

    @property
    def fails(self) -> bool:
        """errors / total > t %, strictly, unless a person went on with as many."""
        too_many = self.errors * 100 > self.error_percent * self.total
        return too_many and self.errors > self.accepted_errors

    @property
    def passes(self) -> bool:
        """The next group may go: it succeeded, or it ended and its failures are accepted."""
        accepted = self.open == 0 and 0 < self.errors <= self.accepted_errors
        return self.succeeds or accepted


@dataclass(frozen=True, slots=True)
class RolloutView:
    """`groups` by position. `due`, `overdue`, `in_flight`: whether there are targets to be sent
    now, past their deadline, on their way. `obstacle`: why it must not
    go on, if there is such a reason."""

    state: RolloutState
    groups: tuple[GroupView, ...]
    is_time: bool
    is_window_open: bool
    due: bool
    overdue: bool
    in_flight: bool
    obstacle: str | None = None


def next_step(view: RolloutView) -> Step | None:
    """None: nothing to do until time passes, a device reports or a person decides."""
    if view.state is RolloutState.READY:
        return Step(Act.START) if view.is_time else None
    if view.state is RolloutState.STARTING:
        return Step(Act.BEGIN)
    if view.state is RolloutState.RUNNING:
        return _running(view)
    if view.state is RolloutState.PAUSED and view.overdue:
        return Step(Act.EXPIRE)
    if view.state is RolloutState.STOPPING:
        return _stopping(view)
    return None


def _running(view: RolloutView) -> Step | None:
    """What ends or halts goes before what sends."""
    if view.overdue:
        return Step(Act.EXPIRE)
    if view.obstacle is not None:
        return Step(Act.HALT, reason=view.obstacle)
    for group in view.groups:
        if group.state is GroupState.RUNNING and (step := _group(group)):
            return step
    following = _following(view.groups)
    if following is not None:
        return Step(Act.START_GROUP, following.id)
    if all(group.state is GroupState.FINISHED for group in view.groups):
        return Step(Act.FINISH)
    return Step(Act.DISPATCH) if view.due and view.is_window_open else None


def _group(group: GroupView) -> Step | None:
    if group.fails:
        reason = (
            f"{group.errors} of {group.total} devices failed, more than {group.error_percent} %"
        )
        return Step(Act.HALT, group.id, reason)
    if group.open:
        return None
    if group.passes:
        return Step(Act.FINISH_GROUP, group.id)
    reason = (
        f"all devices are done and {group.succeeded} of {group.total} succeeded, "
        f"fewer than {group.success_percent} %"
    )
    return Step(Act.HALT, group.id, reason)


def _following(groups: tuple[GroupView, ...]) -> GroupView | None:
    """The group whose turn it is: the one before it passed."""
    passed = True
    for group in groups:
        if group.state is GroupState.WAITING:
            return group if passed else None
        passed = group.passes
    return None


def _stopping(view: RolloutView) -> Step | None:
    if view.overdue:
        return Step(Act.EXPIRE)
    return None if view.in_flight else Step(Act.STOP)


def reject_obstacle(rejected: int, total: int, most_percent: float, line_id: str) -> str | None:
    """Too few scans say nothing about a line."""
    if total < MIN_SCANS or rejected * 100 <= most_percent * total:
        return None
    rate = rejected * 100 / total
    return f"the reject rate of line {line_id} is {rate:.1f} %, above {most_percent:g} %"

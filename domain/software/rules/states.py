"""The states of release, rollout and target, and what may follow on what."""

from collections.abc import Mapping
from typing import Final

from domain.software.models import IN_FLIGHT, ReleaseState, RolloutState, TargetState

RELEASE_EDGES: Mapping[ReleaseState, frozenset[ReleaseState]] = {
    ReleaseState.DRAFT: frozenset({ReleaseState.PUBLISHED, ReleaseState.SUSPENDED}),
    ReleaseState.PUBLISHED: frozenset({ReleaseState.SUSPENDED}),
    ReleaseState.SUSPENDED: frozenset({ReleaseState.PUBLISHED}),
}

# A finished rollout runs again when its failures are retried; a stopped one stays stopped.
ROLLOUT_EDGES: Mapping[RolloutState, frozenset[RolloutState]] = {
    RolloutState.CREATING: frozenset({RolloutState.WAITING_FOR_APPROVAL, RolloutState.READY}),
    RolloutState.WAITING_FOR_APPROVAL: frozenset({RolloutState.READY, RolloutState.STOPPING}),
    RolloutState.READY: frozenset({RolloutState.STARTING, RolloutState.STOPPING}),
    RolloutState.STARTING: frozenset({RolloutState.RUNNING, RolloutState.STOPPING}),
    RolloutState.RUNNING: frozenset(
        {RolloutState.PAUSED, RolloutState.STOPPING, RolloutState.FINISHED}
    ),
    RolloutState.PAUSED: frozenset({RolloutState.RUNNING, RolloutState.STOPPING}),
    RolloutState.STOPPING: frozenset({RolloutState.STOPPED}),
    RolloutState.STOPPED: frozenset(),
    RolloutState.FINISHED: frozenset({RolloutState.RUNNING}),
}
ACTIVE: Final = (
    RolloutState.READY,
    RolloutState.STARTING,
    RolloutState.RUNNING,
    RolloutState.PAUSED,
    RolloutState.STOPPING,
)
ENDED: Final = (RolloutState.STOPPED, RolloutState.FINISHED)

ERRORS: Final = (TargetState.FAILED, TargetState.ROLLED_BACK)
TERMINAL: Final = (TargetState.SUCCEEDED, *ERRORS, TargetState.CANCELLED)
REPORTED: Final = frozenset({*IN_FLIGHT[1:], TargetState.SUCCEEDED, *ERRORS})
_FLIGHT: Final = frozenset(IN_FLIGHT)

# What a device says may be late, doubled or out of order, and an updater that was killed begins
# its download again: in flight, any step may follow any other. After its end only a success that
# came too late still counts, because the device then runs the release.
REPORT_EDGES: Mapping[TargetState, frozenset[TargetState]] = {
    **dict.fromkeys(IN_FLIGHT, REPORTED),
    TargetState.WAITING: frozenset(),
    TargetState.SCHEDULED: frozenset(),
    TargetState.SUCCEEDED: frozenset(),
    TargetState.FAILED: frozenset({TargetState.SUCCEEDED, TargetState.ROLLED_BACK}),
    TargetState.ROLLED_BACK: frozenset(),
    TargetState.CANCELLED: frozenset({TargetState.SUCCEEDED}),
}

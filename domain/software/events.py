"""Facts of software, past tense. The key is the id of the release or the rollout."""

from collections.abc import Sequence
from typing import Any, Final

from domain.kernel.uow import UnitOfWork
from domain.software.models import (
    GroupState,
    ReleaseState,
    RolloutKind,
    RolloutState,
    TargetState,
)
from domain.software.rows import (
    EndpointFilterRow,
    GroupProgress,
    GroupRow,
    ReleaseRow,
    RolloutProgress,
    RolloutRow,
    StepRow,
    TargetingRow,
    TargetRow,
)

STREAM: Final = "software"

# {application: {...}}
APPLICATION_CREATED: Final = "application.created"
# {release: {...}}, the row as it became.
RELEASE_CREATED: Final = "release.created"
ARTIFACT_UPLOADED: Final = "release.artifact_uploaded"
ARTIFACT_REMOVED: Final = "release.artifact_removed"
RELEASE_UPDATED: Final = "release.updated"
RELEASE_CHANGED: Final = "release.state_changed"
RELEASE_DELETED: Final = "release.deleted"
# {filters: [{filter, active_from_us}]}
RELEASE_TARGETED: Final = "release.targeted"
# {endpoint_filter: {...}}, the row as it became or was.
FILTER_CREATED: Final = "endpoint_filter.created"
FILTER_CHANGED: Final = "endpoint_filter.changed"
FILTER_DELETED: Final = "endpoint_filter.deleted"
# {application, version}; the key is the device's id.
SOFTWARE_REPORTED: Final = "software.reported"
# {release_id, from_version, to_version, is_downgrade}
PATH_ADDED: Final = "upgrade_path.added"
PATH_REMOVED: Final = "upgrade_path.removed"
# {rollout, groups: [{group, counts}]}, all as it became.
ROLLOUT_CREATED: Final = "rollout.created"
ROLLOUT_CHANGED: Final = "rollout.changed"
# {rollout, target, step, group: {group, counts}}
TARGET_CHANGED: Final = "rollout.target_changed"


def record_release(
    work: UnitOfWork, kind: str, release: ReleaseRow, before: ReleaseRow | None = None
) -> None:
    was = None if before is None else _release_data(before)
    work.record_change(STREAM, kind, release.id, was, release=_release_data(release))


def record_targeting(
    work: UnitOfWork,
    release_id: str,
    before: Sequence[TargetingRow],
    after: Sequence[TargetingRow],
) -> None:
    was = {"filters": [_targeting_data(row) for row in before]}
    now = [_targeting_data(row) for row in after]
    work.record_change(STREAM, RELEASE_TARGETED, release_id, was, filters=now)


def _targeting_data(row: TargetingRow) -> dict[str, Any]:
    return {"filter": row.filter_identifier, "active_from_us": row.active_from_us}


def record_filter(
    work: UnitOfWork, kind: str, row: EndpointFilterRow, before: EndpointFilterRow | None = None
) -> None:
    was = None if before is None else before._asdict()
    work.record_change(STREAM, kind, row.id, was, endpoint_filter=row._asdict())


def record_rollout(
    work: UnitOfWork, kind: str, progress: RolloutProgress, before: RolloutRow | None = None
) -> None:
    groups = [_group_data(one) for one in progress.groups]
    rollout = progress.rollout
    was = None if before is None else before._asdict()
    work.record_change(STREAM, kind, rollout.id, was, rollout=rollout._asdict(), groups=groups)


def record_target(
    work: UnitOfWork,
    rollout: RolloutRow,
    target: TargetRow,
    group: GroupProgress,
    step: StepRow | None,
) -> None:
    work.record(
        STREAM,
        TARGET_CHANGED,
        rollout.id,
        rollout=rollout._asdict(),
        target=target._asdict(),
        step=step._asdict() if step else None,
        group=_group_data(group),
    )


def release_of(data: dict[str, Any]) -> ReleaseRow:
    return ReleaseRow(**data | {"state": ReleaseState(data["state"]), "object_key": None})


def progress_of(payload: dict[str, Any]) -> RolloutProgress:
    """What a fact of a whole rollout carries."""
    groups = tuple(group_of(one) for one in payload["groups"])
    return RolloutProgress(rollout_of(payload["rollout"]), groups)


def rollout_of(data: dict[str, Any]) -> RolloutRow:
    kinds = {"kind": RolloutKind(data["kind"]), "state": RolloutState(data["state"])}
    return RolloutRow(**data | kinds)


def target_of(data: dict[str, Any]) -> TargetRow:
    return TargetRow(**data | {"state": TargetState(data["state"])})


def step_of(data: dict[str, Any]) -> StepRow:
    return StepRow(**data | {"state": TargetState(data["state"])})


def group_of(data: dict[str, Any]) -> GroupProgress:
    group = GroupRow(**data["group"] | {"state": GroupState(data["group"]["state"])})
    return GroupProgress(group, {TargetState(name): n for name, n in data["counts"].items()})


def _release_data(release: ReleaseRow) -> dict[str, Any]:
    """Where the artifact lies is nobody's business but the store's."""
    shown = release._asdict()
    del shown["object_key"]
    return shown


def _group_data(one: GroupProgress) -> dict[str, Any]:
    counts = {str(state): count for state, count in one.counts.items()}
    return {"group": one.group._asdict(), "counts": counts}

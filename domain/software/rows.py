"""Rows as the repository returns them and every face presents them. Times in microseconds."""

from typing import NamedTuple

from domain.software.models import (
    GroupState,
    ReleaseState,
    RolloutKind,
    RolloutState,
    TargetState,
)


class ApplicationRow(NamedTuple):
    id: str
    name: str
    description: str
    created_at_us: int


class ReleaseRow(NamedTuple):
    """`application` is the application's name."""

    id: str
    application_id: str
    application: str
    version: str
    state: ReleaseState
    notes: str
    filename: str | None
    size_bytes: int | None
    sha256: str | None
    signature: str | None
    key_id: str | None
    object_key: str | None
    created_by: str
    created_at_us: int
    published_at_us: int | None
    specification: str | None = None
    release_metadata: str | None = None
    is_targeted: bool = False
    needs_file: bool = False


class SoftwareName(NamedTuple):
    """A release as people call it."""

    application: str
    version: str


class TargetingRow(NamedTuple):
    """A filter of a release, by the name that the release has for it."""

    release_id: str
    position: int
    filter_identifier: str
    active_from_us: int | None


class EndpointFilterRow(NamedTuple):
    """`query` is JSON text of a `commands.EndpointQuery`."""

    id: str
    identifier: str
    name: str
    query: str
    created_at_us: int
    updated_at_us: int


class InstalledRow(NamedTuple):
    device_id: str
    application: str
    version: str
    reported_at_us: int


class SoftwareView(NamedTuple):
    """A release with all that says who is offered it; `paths` by version."""

    release: ReleaseRow
    paths: tuple["EdgeRow", ...]
    targeting: tuple[TargetingRow, ...]


class EdgeRow(NamedTuple):
    """A way from a version to a release, by the versions of both."""

    release_id: str
    from_version: str
    to_version: str
    is_downgrade: bool


class RolloutRow(NamedTuple):
    id: str
    name: str
    kind: RolloutKind
    release_id: str
    application: str
    version: str
    state: RolloutState
    created_by: str
    created_by_id: str
    created_at_us: int
    approval_required: bool
    approved_by: str | None
    approved_at_us: int | None
    start_at_us: int | None
    started_at_us: int | None
    resumed_at_us: int | None
    finished_at_us: int | None
    window_from_min: int | None
    window_to_min: int | None
    time_zone: str
    deadline_s: int
    jitter_s: int
    max_attempts: int
    reject_rate_percent: float | None
    line_id: str | None
    halt_reason: str | None


class GroupRow(NamedTuple):
    id: str
    rollout_id: str
    position: int
    name: str
    state: GroupState
    success_percent: int
    error_percent: int
    accepted_errors: int
    started_at_us: int | None
    finished_at_us: int | None


class TargetRow(NamedTuple):
    id: str
    rollout_id: str
    group_id: str
    device_id: str
    state: TargetState
    attempt: int
    hop: int
    not_before_us: int
    deadline_at_us: int | None
    release_id: str | None
    installed_version: str | None
    command_id: str | None
    error: str | None
    updated_at_us: int


class StepRow(NamedTuple):
    id: str
    target_id: str
    report_key: str
    attempt: int
    state: TargetState
    message: str | None
    at_us: int


class GroupProgress(NamedTuple):
    """A group and how many of its targets are in which state; no zero buckets."""

    group: GroupRow
    counts: dict[TargetState, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


class RolloutProgress(NamedTuple):
    """Groups by position."""

    rollout: RolloutRow
    groups: tuple[GroupProgress, ...]


class ActiveRollout(NamedTuple):
    """Something for the engine to look at."""

    customer_id: int
    rollout_id: str

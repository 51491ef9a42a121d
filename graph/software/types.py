"""What the graph shows of software. Built from rows; plain fields are plain attributes."""

from collections.abc import Mapping
from functools import partial

import orjson
import strawberry
from strawberry.scalars import JSON

from domain.kernel.paging import page_request
from domain.software.models import (
    GroupState,
    ReleaseState,
    RolloutKind,
    RolloutState,
    RolloutStrategy,
    TargetState,
)
from domain.software.rows import (
    ApplicationRow,
    EdgeRow,
    GroupProgress,
    ReleaseRow,
    RolloutProgress,
    RolloutRow,
    StepRow,
    TargetRow,
)
from domain.software.rules.offers import strategy_of
from domain.software.rules.windows import format_minute
from graph.info import Info
from graph.pagination import Connection, Node, connection, found, global_id
from graph.scalars import Timestamp, moment
from graph.software import loaders, resolvers
from graph.software.filter_types import TargetFilter, target_filter_type

strawberry.enum(ReleaseState, name="ReleaseState")
strawberry.enum(RolloutKind, name="RolloutKind")
strawberry.enum(RolloutState, name="RolloutState")
strawberry.enum(RolloutStrategy, name="RolloutStrategy")
strawberry.enum(GroupState, name="RolloutGroupState")
strawberry.enum(TargetState, name="RolloutTargetState")

# More of a rollout's devices are paged with `groups { targets }`.
MAX_NESTED = 500


@strawberry.type(description="What releases are versions of")
class Application(Node):
    name: str
    description: str
    created_at: Timestamp


@strawberry.type(description="A way between two versions")
class UpgradeEdge:
    from_version: str
    to_version: str
    is_downgrade: bool


@strawberry.type(description="A version of an application, with or without its bytes")
class Release(Node):
    application: str
    version: str
    state: ReleaseState
    notes: str
    filename: str | None
    size_bytes: float | None
    sha256: str | None
    signature: str | None
    key_id: str | None
    created_by: str
    created_at: Timestamp
    published_at: Timestamp | None
    strategy: RolloutStrategy = strawberry.field(description="Who is offered it; a draft, nobody")
    needs_file: bool = strawberry.field(description="Nobody is offered it before it has its bytes")
    specification: JSON | None = strawberry.field(description="For devices; stays as it was made")
    metadata: JSON | None = strawberry.field(description="For people")
    row: strawberry.Private[ReleaseRow]

    @strawberry.field(
        description="Versions it may be installed over. None means any for a rollout; without one "
        "nobody is offered it."
    )
    async def upgradable_from(self, info: Info) -> list[UpgradeEdge]:
        rows = await loaders.edges_by_release(info.context).load(self.row.id)
        return [edge_type(row) for row in rows or []]

    @strawberry.field(description="Whom it is for while its strategy is TARGETED")
    async def filters(self, info: Info) -> list[TargetFilter]:
        rows = await loaders.targeting_by_release(info.context).load(self.row.id)
        return [target_filter_type(row) for row in rows or []]


@strawberry.type
class TargetCount:
    state: TargetState
    count: int


@strawberry.type(description="What a device said on the way")
class RolloutStep:
    state: TargetState
    attempt: int
    message: str | None
    at: Timestamp


@strawberry.type(description="One device of a rollout")
class RolloutTarget(Node):
    device_id: strawberry.ID
    state: TargetState
    attempt: int
    hop: int
    error: str | None
    installed_version: str | None
    not_before: Timestamp | None
    deadline_at: Timestamp | None
    updated_at: Timestamp
    row: strawberry.Private[TargetRow]

    @strawberry.field(description="What it reported, in order")
    async def steps(self, info: Info) -> list[RolloutStep]:
        rows = await loaders.steps_by_target(info.context).load(self.row.id)
        return [step_type(row) for row in rows or []]


@strawberry.type(description="Devices that are updated together")
class RolloutGroup(Node):
    name: str
    position: int
    state: GroupState
    success_percent: int
    error_percent: int
    total: int
    counts: list[TargetCount]
    started_at: Timestamp | None
    finished_at: Timestamp | None
    plain: strawberry.Private[str]
    by_state: strawberry.Private[Mapping[TargetState, int]]

    @strawberry.field(description="Its devices")
    async def targets(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        state: TargetState | None = None,
    ) -> Connection[RolloutTarget]:
        page = await resolvers.targets_of_group(
            info.context, self.plain, state, page_request(first, after, last, before)
        )
        return connection(page, target_type, partial(self._count, state))

    async def _count(self, state: TargetState | None) -> int:
        return self.total if state is None else self.by_state.get(state, 0)


@strawberry.type(description="A release on its way to devices, group after group")
class Rollout(Node):
    name: str
    kind: RolloutKind
    state: RolloutState
    application: str
    version: str
    created_by: str
    created_at: Timestamp
    approval_required: bool
    approved_by: str | None
    approved_at: Timestamp | None
    start_at: Timestamp | None
    started_at: Timestamp | None
    finished_at: Timestamp | None
    window_from: str | None
    window_to: str | None
    time_zone: str
    deadline_seconds: int
    jitter_seconds: int
    max_attempts: int
    reject_rate_percent: float | None
    line_id: str | None
    halt_reason: str | None
    row: strawberry.Private[RolloutRow]
    known: strawberry.Private[RolloutProgress | None] = None

    @strawberry.field(description="Null once it was deleted")
    async def release(self, info: Info) -> Release | None:
        row = await loaders.release_by_id(info.context).load(self.row.release_id)
        return found(row, release_type)

    @strawberry.field(description="By position, as they were frozen when it was created")
    async def groups(self, info: Info) -> list[RolloutGroup]:
        progress = self.known or await loaders.progress_by_rollout(info.context).load(self.row.id)
        return [group_type(one) for one in progress.groups] if progress else []


@strawberry.type(description="What was deployed: a simple deployment or a rollout")
class Deployment(Node):
    state: RolloutState
    kind: RolloutKind
    application: str
    version: str
    created_by: str
    created_at: Timestamp
    finished_at: Timestamp | None
    row: strawberry.Private[RolloutRow]
    device_id: strawberry.Private[str | None] = None

    @strawberry.field(description="Null once it was deleted")
    async def release(self, info: Info) -> Release | None:
        row = await loaders.release_by_id(info.context).load(self.row.release_id)
        return found(row, release_type)

    @strawberry.field(description="The devices, at most 500; the one that was asked for")
    async def targets(self, info: Info) -> list[RolloutTarget]:
        rows = await resolvers.targets_of_rollouts(
            info.context, [self.row.id], self.device_id, MAX_NESTED
        )
        return [target_type(row) for row in rows[self.row.id]]


@strawberry.type(description="The safe way between two versions; no hops where there is none to go")
class UpgradePath:
    from_version: str
    to_version: str
    hops: list[Release]


@strawberry.type
class RolloutStreamItem:
    """`group`, `target` and `step` are set where a device's change is what happened."""

    cursor: str
    at: Timestamp
    rollout: Rollout
    group: RolloutGroup | None
    target: RolloutTarget | None
    step: RolloutStep | None


def application_type(row: ApplicationRow) -> Application:
    return Application(
        id=global_id("Application", row.id),
        name=row.name,
        description=row.description,
        created_at=Timestamp(row.created_at_us),
    )


def edge_type(row: EdgeRow) -> UpgradeEdge:
    return UpgradeEdge(
        from_version=row.from_version, to_version=row.to_version, is_downgrade=row.is_downgrade
    )


def release_type(row: ReleaseRow) -> Release:
    return Release(
        id=global_id("Release", row.id),
        application=row.application,
        version=row.version,
        state=row.state,
        notes=row.notes,
        filename=row.filename,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        signature=row.signature,
        key_id=row.key_id,
        created_by=row.created_by,
        created_at=Timestamp(row.created_at_us),
        published_at=moment(row.published_at_us),
        strategy=strategy_of(row.state, row.is_targeted),
        needs_file=row.needs_file,
        specification=_json(row.specification),
        metadata=_json(row.release_metadata),
        row=row,
    )


def rollout_type(row: RolloutRow, known: RolloutProgress | None = None) -> Rollout:
    return Rollout(
        id=global_id("Rollout", row.id),
        name=row.name,
        kind=row.kind,
        state=row.state,
        application=row.application,
        version=row.version,
        created_by=row.created_by,
        created_at=Timestamp(row.created_at_us),
        approval_required=row.approval_required,
        approved_by=row.approved_by,
        approved_at=moment(row.approved_at_us),
        start_at=moment(row.start_at_us),
        started_at=moment(row.started_at_us),
        finished_at=moment(row.finished_at_us),
        window_from=_time_of_day(row.window_from_min),
        window_to=_time_of_day(row.window_to_min),
        time_zone=row.time_zone,
        deadline_seconds=row.deadline_s,
        jitter_seconds=row.jitter_s,
        max_attempts=row.max_attempts,
        reject_rate_percent=row.reject_rate_percent,
        line_id=row.line_id,
        halt_reason=row.halt_reason,
        row=row,
        known=known,
    )


def progress_type(found: RolloutProgress) -> Rollout:
    return rollout_type(found.rollout, found)


def group_type(one: GroupProgress) -> RolloutGroup:
    row = one.group
    return RolloutGroup(
        id=global_id("RolloutGroup", row.id),
        name=row.name,
        position=row.position,
        state=row.state,
        success_percent=row.success_percent,
        error_percent=row.error_percent,
        total=one.total,
        counts=[TargetCount(state=state, count=count) for state, count in one.counts.items()],
        started_at=moment(row.started_at_us),
        finished_at=moment(row.finished_at_us),
        plain=row.id,
        by_state=one.counts,
    )


def target_type(row: TargetRow) -> RolloutTarget:
    waiting = row.state is TargetState.WAITING
    return RolloutTarget(
        id=global_id("RolloutTarget", row.id),
        device_id=strawberry.ID(row.device_id),
        state=row.state,
        attempt=row.attempt,
        hop=row.hop,
        error=row.error,
        installed_version=row.installed_version,
        not_before=None if waiting else Timestamp(row.not_before_us),
        deadline_at=moment(row.deadline_at_us),
        updated_at=Timestamp(row.updated_at_us),
        row=row,
    )


def step_type(row: StepRow) -> RolloutStep:
    return RolloutStep(
        state=row.state, attempt=row.attempt, message=row.message, at=Timestamp(row.at_us)
    )


def deployment_type(row: RolloutRow, device_id: str | None = None) -> Deployment:
    return Deployment(
        id=global_id("Deployment", row.id),
        state=row.state,
        kind=row.kind,
        application=row.application,
        version=row.version,
        created_by=row.created_by,
        created_at=Timestamp(row.created_at_us),
        finished_at=moment(row.finished_at_us),
        row=row,
        device_id=device_id,
    )


def path_type(from_version: str, hops: list[ReleaseRow]) -> UpgradePath:
    return UpgradePath(
        from_version=from_version,
        to_version=hops[-1].version if hops else from_version,
        hops=[release_type(row) for row in hops],
    )


def _time_of_day(minute: int | None) -> str | None:
    return None if minute is None else format_minute(minute)


def _json(text: str | None) -> JSON | None:
    return None if text is None else JSON(orjson.loads(text))

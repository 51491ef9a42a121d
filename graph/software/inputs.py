"""Inputs of software, each named after its mutation; `command()` makes what resolvers take."""

from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.scalars import JSON

from domain.fleet.documents import json_text
from domain.software.commands import (
    DAY_S,
    MAX_DOCUMENT,
    ChangePath,
    CreateApplication,
    CreateRelease,
    CreateRollout,
    Deploy,
    PlanGroup,
    ReleaseChanges,
    ReleaseFilter,
    ReportUpdate,
    RolloutFilter,
    TargetFilter,
)
from domain.software.models import (
    ReleaseState,
    RolloutKind,
    RolloutState,
    RolloutStrategy,
    TargetState,
)
from graph.pagination import filter_id, plain_id
from graph.scalars import Timestamp


@strawberry.input
class CreateApplicationInput:
    name: str
    description: str = ""

    def command(self) -> CreateApplication:
        return CreateApplication.of(**vars(self))


@strawberry.input
class TargetFilterInput:
    filter: str = strawberry.field(description="Identifier of an endpoint filter")
    active_from: Timestamp | None = strawberry.field(default=None, description="Null: at once")

    def command(self) -> TargetFilter:
        return TargetFilter.of(filter=self.filter, active_from_us=self.active_from)


@strawberry.input(
    description="The bytes come by the upload route. A draft unless it has a strategy"
)
class CreateReleaseInput:
    application: str
    version: str
    notes: str = ""
    upgradable_from: list[str] = strawberry.field(default_factory=list)
    strategy: RolloutStrategy | None = None
    filters: list[TargetFilterInput] = strawberry.field(default_factory=list)
    needs_file: bool = False
    specification: JSON | None = None
    metadata: JSON | None = None

    def command(self) -> CreateRelease:
        given: dict[str, Any] = dict(vars(self))
        given["upgradable_from"] = tuple(self.upgradable_from)
        given["filters"] = tuple(one.command() for one in self.filters)
        given["specification"] = _document(self.specification, "specification")
        given["release_metadata"] = _document(given.pop("metadata"), "metadata")
        return CreateRelease.of(**given)


@strawberry.input(
    description="Only what is given changes; ways and filters each as a whole. What devices are "
    "told to install does not: a specification stays"
)
class UpdateReleaseInput:
    id: strawberry.ID
    notes: str | None = UNSET
    upgradable_from: list[str] | None = UNSET
    strategy: RolloutStrategy | None = UNSET
    filters: list[TargetFilterInput] | None = UNSET
    needs_file: bool | None = UNSET
    metadata: JSON | None = UNSET

    def command(self) -> ReleaseChanges:
        given = {name: value for name, value in vars(self).items() if value is not UNSET}
        given.pop("id")
        changes = {name: value for name, value in given.items() if value is not None}
        if "upgradable_from" in changes:
            changes["upgradable_from"] = tuple(changes["upgradable_from"])
        if "filters" in changes:
            changes["filters"] = tuple(one.command() for one in changes["filters"])
        changes.pop("metadata", None)
        if "metadata" in given:
            changes["release_metadata"] = _document(given["metadata"], "metadata")
        return ReleaseChanges.of(**changes)


@strawberry.input
class AddUpgradePathInput:
    release_id: strawberry.ID
    from_version: str

    def command(self) -> ChangePath:
        release_id = plain_id(self.release_id, "Release")
        return ChangePath.of(release_id=release_id, from_version=self.from_version)


@strawberry.input
class RemoveUpgradePathInput(AddUpgradePathInput):
    pass


@strawberry.input(
    description="Takes from what the groups before left over: of the device groups' members if "
    "there are any named, `count` of them, or `percent` (rounded up), or all"
)
class RolloutGroupInput:
    name: str | None = None
    device_group_ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    percent: int | None = None
    count: int | None = None
    success_percent: int | None = None
    error_percent: int | None = None

    def command(self) -> PlanGroup:
        return PlanGroup.of(**vars(self) | {"device_group_ids": _groups(self.device_group_ids)})


@strawberry.input
class CreateRolloutInput:
    release_id: strawberry.ID
    name: str
    device_ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    device_group_ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    endpoint_filter_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="By id or identifier: what they find now"
    )
    groups: list[RolloutGroupInput] = strawberry.field(default_factory=list)
    group_count: int | None = None
    success_percent: int = 90
    error_percent: int = 10
    approval_required: bool = False
    start_at: Timestamp | None = None
    window_from: str | None = None
    window_to: str | None = None
    time_zone: str = "UTC"
    deadline_seconds: int = DAY_S
    jitter_seconds: int = 0
    max_attempts: int = 1
    reject_rate_percent: float | None = None
    line_id: str | None = None

    def command(self) -> CreateRollout:
        given: dict[str, Any] = dict(vars(self))
        given["release_id"] = plain_id(self.release_id, "Release")
        given["device_ids"] = tuple(plain_id(key, "Device") for key in self.device_ids)
        given["device_group_ids"] = _groups(self.device_group_ids)
        filters = given.pop("endpoint_filter_ids")
        given["endpoint_filters"] = tuple(plain_id(key, "EndpointFilter") for key in filters)
        given["groups"] = tuple(group.command() for group in self.groups)
        given["start_at_us"] = given.pop("start_at")
        given["deadline_s"] = given.pop("deadline_seconds")
        given["jitter_s"] = given.pop("jitter_seconds")
        return CreateRollout.of(**given)


@strawberry.input
class DeployInput:
    release_id: strawberry.ID
    device_ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    group_id: strawberry.ID | None = None

    def command(self) -> Deploy:
        return Deploy.of(
            release_id=plain_id(self.release_id, "Release"),
            device_ids=tuple(plain_id(key, "Device") for key in self.device_ids),
            group_id=plain_id(self.group_id, "DeviceGroup") if self.group_id else None,
        )


@strawberry.input
class ReportUpdateInput:
    target_id: strawberry.ID
    attempt: int
    state: TargetState
    report_key: str
    hop: int = 0
    message: str | None = None

    def command(self) -> ReportUpdate:
        target_id = plain_id(self.target_id, "RolloutTarget")
        return ReportUpdate.of(**vars(self) | {"target_id": target_id})


@strawberry.input
class ReleaseFilterInput:
    application: str | None = None
    state: ReleaseState | None = None
    version: str | None = None

    def wanted(self) -> ReleaseFilter:
        return ReleaseFilter(**vars(self))


@strawberry.input
class RolloutFilterInput:
    kind: RolloutKind | None = None
    state: RolloutState | None = None
    release_id: strawberry.ID | None = None
    device_id: strawberry.ID | None = None

    def wanted(self) -> RolloutFilter:
        return rollout_filter(self.release_id, self.device_id, self.kind, self.state)


def rollout_filter(
    release_id: str | None,
    device_id: str | None,
    kind: RolloutKind | None = None,
    state: RolloutState | None = None,
) -> RolloutFilter:
    return RolloutFilter(
        kind=kind,
        state=state,
        release_id=filter_id(release_id, "Release"),
        device_id=plain_id(device_id, "Device") if device_id else None,
    )


def _document(value: Any, field: str) -> str | None:
    return None if value is None else json_text(value, field, MAX_DOCUMENT)


def _groups(ids: list[strawberry.ID]) -> tuple[str, ...]:
    return tuple(plain_id(key, "DeviceGroup") for key in ids)

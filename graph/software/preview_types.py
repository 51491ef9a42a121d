"""What the graph shows of a rollout that is not there yet."""

import strawberry

from domain.software.operations.planning import RolloutPlan
from domain.software.rules.grouping import Excluded, ExcludedReason

strawberry.enum(ExcludedReason, name="RolloutExcludedReason")


@strawberry.type
class PreviewGroup:
    name: str
    success_percent: int
    error_percent: int
    total: int
    device_ids: list[strawberry.ID]


@strawberry.type(description="A device that a rollout would leave as it is")
class ExcludedDevice:
    device_id: strawberry.ID
    version: str | None
    reason: ExcludedReason


@strawberry.type(description="What createRollout would freeze now")
class RolloutPreview:
    total: int
    groups: list[PreviewGroup]
    unassigned: list[strawberry.ID]
    excluded: list[ExcludedDevice]


def preview_type(plan: RolloutPlan) -> RolloutPreview:
    groups = [
        PreviewGroup(
            name=one.name,
            success_percent=one.success_percent,
            error_percent=one.error_percent,
            total=len(members),
            device_ids=[strawberry.ID(key) for key in members],
        )
        for one, members in zip(plan.plans, plan.grouped.groups, strict=True)
    ]
    return RolloutPreview(
        total=sum(group.total for group in groups),
        groups=groups,
        unassigned=[strawberry.ID(key) for key in plan.grouped.unassigned],
        excluded=[_excluded(one) for one in plan.excluded],
    )


def _excluded(one: Excluded) -> ExcludedDevice:
    return ExcludedDevice(
        device_id=strawberry.ID(one.device_id), version=one.version, reason=one.reason
    )

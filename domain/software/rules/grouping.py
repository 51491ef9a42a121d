"""Which device goes in which group. The preview and the real thing are this one function."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple


class ExcludedReason(StrEnum):
    ALREADY_CURRENT = "ALREADY_CURRENT"
    NO_PATH = "NO_PATH"


class Excluded(NamedTuple):
    """A device that is in no group, with the reason and the version it is left at."""

    device_id: str
    version: str | None
    reason: ExcludedReason


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """Takes from what the groups before left over, or of that the members of `device_group_ids`:
    `count` devices, `percent` of them, one in `share` of them (both rounded up), or all."""

    name: str
    success_percent: int
    error_percent: int
    device_group_ids: tuple[str, ...] = ()
    percent: int | None = None
    count: int | None = None
    share: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    device_id: str
    group_ids: frozenset[str] = frozenset()


class Grouped(NamedTuple):
    """As many groups as plans, in their order; every candidate is in one of them or left over."""

    groups: tuple[tuple[str, ...], ...]
    unassigned: tuple[str, ...]


def split(candidates: Sequence[Candidate], plans: Sequence[GroupPlan], seed: str) -> Grouped:
    """The same candidates, plans and seed give the same groups, whatever order they come in."""
    # Not by id: the oldest devices would be every rollout's first victims.
    left = sorted(candidates, key=lambda one: spread(seed, one.device_id))
    groups = []
    for plan in plans:
        eligible = [one for one in left if _belongs(one, plan)]
        taken = {one.device_id for one in eligible[: _size(plan, len(eligible))]}
        groups.append(tuple(one.device_id for one in left if one.device_id in taken))
        left = [one for one in left if one.device_id not in taken]
    return Grouped(tuple(groups), tuple(one.device_id for one in left))


def jitter_us(jitter_s: int, *ids: str) -> int:
    """From 0 to below `jitter_s`, the same for the same ids."""
    return int(spread(*ids), 16) % (jitter_s * 1_000_000) if jitter_s else 0


def spread(*ids: str) -> str:
    """Sixteen hex digits, as good as random and always the same."""
    return sha256("\0".join(ids).encode()).hexdigest()[:16]


def _belongs(one: Candidate, plan: GroupPlan) -> bool:
    return not plan.device_group_ids or not one.group_ids.isdisjoint(plan.device_group_ids)


def _size(plan: GroupPlan, eligible: int) -> int:
    if plan.count is not None:
        return min(plan.count, eligible)
    if plan.percent is not None:
        return -(-eligible * plan.percent // 100)
    if plan.share is not None:
        return -(-eligible // plan.share)
    return eligible

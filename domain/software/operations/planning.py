"""Who gets a release, in which group and over which versions: the same for preview and creation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.kernel.database import ReadSession
from domain.kernel.errors import Conflict, NotFound
from domain.software.commands import CreateRollout, EndpointQuery, PlanGroup
from domain.software.models import ReleaseState
from domain.software.ports import DeviceDirectory, DeviceState
from domain.software.repository import filters, releases
from domain.software.rows import ReleaseRow
from domain.software.rules.grouping import (
    Candidate,
    Excluded,
    ExcludedReason,
    Grouped,
    GroupPlan,
    split,
)
from domain.software.rules.upgrades import Edge, plan


@dataclass(frozen=True, slots=True)
class Routes:
    """The ways to a release over releases that can be sent now, by version."""

    wanted: ReleaseRow
    edges: tuple[Edge, ...]
    releases: dict[str, ReleaseRow]
    is_unrestricted: bool

    def from_version(self, current: str | None) -> tuple[ReleaseRow, ...] | None:
        """The releases to install one after the other; None where there is no way."""
        if current == self.wanted.version:
            return ()
        if self.is_unrestricted:
            return (self.wanted,)
        hops = None if current is None else plan(self.edges, current, self.wanted.version)
        return None if hops is None else tuple(self.releases[hop.to_version] for hop in hops)


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """`grouped.groups` are the device ids of `plans`, in the same order."""

    release: ReleaseRow
    plans: tuple[GroupPlan, ...]
    grouped: Grouped
    excluded: tuple[Excluded, ...]


async def routes_to(session: ReadSession, customer_id: int, wanted: ReleaseRow) -> Routes:
    """A release that no way leads to may be installed over anything."""
    known = await releases.releases_of(session, customer_id, wanted.application_id)
    sendable = {version: row for version, row in known.items() if is_sendable(row)}
    rows = await releases.edges_of(session, customer_id, wanted.application_id)
    edges = tuple(
        Edge(row.from_version, row.to_version) for row in rows if row.to_version in sendable
    )
    restricted = any(row.release_id == wanted.id for row in rows)
    return Routes(wanted, edges, sendable, not restricted)


def is_sendable(release: ReleaseRow) -> bool:
    return release.state is ReleaseState.PUBLISHED and release.object_key is not None


def require_sendable(release: ReleaseRow) -> None:
    if release.object_key is None:
        raise Conflict("The release has no artifact yet", version=release.version)
    if release.state is not ReleaseState.PUBLISHED:
        raise Conflict(
            "Only a published release is rolled out",
            version=release.version,
            state=str(release.state),
        )


async def plan_rollout(
    session: ReadSession,
    customer_id: int,
    release: ReleaseRow,
    command: CreateRollout,
    devices: DeviceDirectory,
) -> RolloutPlan:
    """As it would be frozen now. Raises Conflict for a release that cannot be sent."""
    require_sendable(release)
    found = await devices.find(
        session,
        customer_id,
        release.application,
        device_ids=command.device_ids,
        group_ids=command.all_group_ids,
        queries=await _queries(session, customer_id, command.endpoint_filters),
    )
    routes = await routes_to(session, customer_id, release)
    excluded = tuple(_excluded(found, routes))
    left_out = {one.device_id for one in excluded}
    candidates = [Candidate(one.id, one.group_ids) for one in found if one.id not in left_out]
    plans = group_plans(command)
    return RolloutPlan(release, plans, split(candidates, plans, release.id), excluded)


async def _queries(
    session: ReadSession, customer_id: int, keys: Sequence[str]
) -> list[EndpointQuery]:
    """Raises NotFound for a filter that is not there."""
    found = await filters.by_keys(session, customer_id, keys)
    for key in keys:
        if key not in found:
            raise NotFound("Endpoint filter", key)
    return [EndpointQuery.model_validate_json(found[key].query) for key in keys]


def group_plans(command: CreateRollout) -> tuple[GroupPlan, ...]:
    """As given, or so many of one size (the first ones hold the odd devices), or one of all."""
    if command.groups:
        return tuple(
            _group_plan(command, one, place) for place, one in enumerate(command.groups, 1)
        )
    count = command.group_count or 1
    return tuple(
        GroupPlan(
            name=f"Group {place + 1}",
            success_percent=command.success_percent,
            error_percent=command.error_percent,
            share=count - place,
        )
        for place in range(count)
    )


def _group_plan(command: CreateRollout, one: PlanGroup, place: int) -> GroupPlan:
    success, error = one.success_percent, one.error_percent
    return GroupPlan(
        name=one.name or f"Group {place}",
        success_percent=command.success_percent if success is None else success,
        error_percent=command.error_percent if error is None else error,
        device_group_ids=one.device_group_ids,
        percent=one.percent,
        count=one.count,
    )


def _excluded(found: Iterable[DeviceState], routes: Routes) -> Iterable[Excluded]:
    known: dict[str | None, ExcludedReason | None] = {}
    for one in found:
        if one.version not in known:
            known[one.version] = _reason(routes, one.version)
        reason = known[one.version]
        if reason is not None:
            yield Excluded(one.id, one.version, reason)


def _reason(routes: Routes, version: str | None) -> ExcludedReason | None:
    hops = routes.from_version(version)
    if hops is None:
        return ExcludedReason.NO_PATH
    return None if hops else ExcludedReason.ALREADY_CURRENT

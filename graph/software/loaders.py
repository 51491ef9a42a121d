"""Loaders of software."""

from collections.abc import Mapping, Sequence

from strawberry.dataloader import DataLoader

from domain.kernel.database import ReadSession
from domain.kernel.permissions import Permission
from domain.software.repository import filters, releases, rollouts, targets
from domain.software.rows import (
    EdgeRow,
    EndpointFilterRow,
    ReleaseRow,
    RolloutProgress,
    SoftwareName,
    StepRow,
    TargetingRow,
)
from graph.context import Context
from graph.loaders import loader


def release_by_id(context: Context) -> DataLoader[str, ReleaseRow | None]:
    permission = Permission.SOFTWARE_RELEASE_READ
    return loader(context, "release_by_id", permission, releases.releases_by_ids)


def edges_by_release(context: Context) -> DataLoader[str, list[EdgeRow] | None]:
    permission = Permission.SOFTWARE_RELEASE_READ
    return loader(context, "edges_by_release", permission, releases.edges_into)


def release_by_name(context: Context) -> DataLoader[SoftwareName, ReleaseRow | None]:
    permission = Permission.SOFTWARE_RELEASE_READ
    return loader(context, "release_by_name", permission, releases.releases_by_names)


def targeting_by_release(context: Context) -> DataLoader[str, list[TargetingRow] | None]:
    permission = Permission.SOFTWARE_RELEASE_READ
    return loader(context, "targeting_by_release", permission, filters.targeting_of)


def filter_by_identifier(context: Context) -> DataLoader[str, EndpointFilterRow | None]:
    permission = Permission.SOFTWARE_ROLLOUT_READ
    return loader(context, "filter_by_identifier", permission, filters.by_identifiers)


def progress_by_rollout(context: Context) -> DataLoader[str, RolloutProgress | None]:
    permission = Permission.SOFTWARE_ROLLOUT_READ
    return loader(context, "progress_by_rollout", permission, _progress)


def steps_by_target(context: Context) -> DataLoader[str, list[StepRow] | None]:
    permission = Permission.SOFTWARE_ROLLOUT_READ
    return loader(context, "steps_by_target", permission, targets.steps_of)


async def _progress(
    session: ReadSession, customer_id: int, rollout_ids: Sequence[str]
) -> Mapping[str, RolloutProgress]:
    found = await rollouts.by_ids(session, customer_id, rollout_ids)
    return await rollouts.progress(session, customer_id, list(found.values()))

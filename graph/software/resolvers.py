"""Use cases of software: authorise, then one unit of work or one read. Bytes are stored before
the unit of work that names them, and removed after the one that forgets them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from domain.fleet.repository import devices as fleet
from domain.kernel.actor import ActorKind
from domain.kernel.database import ReadSession
from domain.kernel.errors import Conflict, NotFound, Unavailable
from domain.kernel.ids import NOTHING, is_id
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from domain.software.commands import (
    ChangePath,
    CreateApplication,
    CreateRelease,
    CreateRollout,
    Deploy,
    FindPath,
    ReleaseFilter,
    ReportUpdate,
    RolloutFilter,
    UploadArtifact,
    UploadRelease,
)
from domain.software.models import TargetState
from domain.software.operations import releases as operations
from domain.software.operations import rollouts as rollout_operations
from domain.software.operations import targets as target_operations
from domain.software.operations.planning import (
    RolloutPlan,
    is_sendable,
    plan_rollout,
    routes_to,
)
from domain.software.ports import SoftwareServices
from domain.software.repository import releases, rollouts, targets
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
from domain.software.rules.ranges import ByteRange, etag, select_range
from domain.software.rules.upgrades import Edge, plan
from domain.software.uploads import Claim, stored
from graph.context import Context


@dataclass(frozen=True, slots=True)
class Download:
    """`chunks` are the bytes of `part`, to be iterated once."""

    release: ReleaseRow
    etag: str
    part: ByteRange
    chunks: AsyncIterator[bytes]


async def list_applications(context: Context, window: PageRequest) -> Page[ApplicationRow]:
    context.actor.require(Permission.SOFTWARE_RELEASE_READ)
    async with context.read() as session:
        return await releases.applications_page(session, context.customer_id, window)


async def count_applications(context: Context) -> int:
    context.actor.require(Permission.SOFTWARE_RELEASE_READ)
    async with context.read() as session:
        return await releases.count_applications(session, context.customer_id)


async def application(context: Context, application_id: str) -> ApplicationRow | None:
    context.actor.require(Permission.SOFTWARE_RELEASE_READ)
    if not is_id(application_id):
        return None
    async with context.read() as session:
        found = await releases.applications_by_ids(session, context.customer_id, [application_id])
    return found.get(application_id)


async def create_application(context: Context, command: CreateApplication) -> ApplicationRow:
    context.actor.require(Permission.SOFTWARE_RELEASE_WRITE)
    async with context.transaction() as work:
        return await operations.create_application(work, command)


async def list_releases(
    context: Context, wanted: ReleaseFilter, window: PageRequest
) -> Page[ReleaseRow]:
    context.actor.require(Permission.SOFTWARE_RELEASE_READ)
    async with context.read() as session:
        return await releases.release_page(session, context.customer_id, wanted, window)


async def count_releases(context: Context, wanted: ReleaseFilter) -> int:
    context.actor.require(Permission.SOFTWARE_RELEASE_READ)
    async with context.read() as session:
        return await releases.count_releases(session, context.customer_id, wanted)


async def release(context: Context, release_id: str) -> ReleaseRow | None:
    context.actor.require(Permission.SOFTWARE_RELEASE_READ)
    if not is_id(release_id):
        return None
    async with context.read() as session:
        found = await releases.releases_by_ids(session, context.customer_id, [release_id])
    return found.get(release_id)


async def release_by_version(
    context: Context, application_name: str, version: str
) -> ReleaseRow | None:
    context.actor.require(Permission.SOFTWARE_RELEASE_READ)
    async with context.read() as session:
        return await releases.release_by_version(
            session, context.customer_id, application_name, version
        )


async def create_release(context: Context, command: CreateRelease) -> ReleaseRow:
    """A draft; its bytes come by `upload_artifact`."""
    context.actor.require(Permission.SOFTWARE_RELEASE_WRITE)
    async with context.transaction() as work:
        return await operations.create_release(work, command)


async def upload_artifact(
    context: Context, command: UploadArtifact, chunks: AsyncIterator[bytes]
) -> ReleaseRow:
    """The bytes of a release that has none. Conflict where it has, before any is read."""
    context.actor.require(Permission.SOFTWARE_RELEASE_WRITE)
    services = _services(context)
    before = await _known_release(context, command.release_id)
    if before.object_key is not None:
        raise Conflict("The release has its artifact already", version=before.version)
    claim = Claim(command.signature, command.key_id, command.sha256)
    async with stored(services, chunks, claim) as artifact, context.transaction() as work:
        return await operations.attach_artifact(work, command, artifact)


async def upload_release(
    context: Context, command: UploadRelease, chunks: AsyncIterator[bytes]
) -> ReleaseRow:
    """A new version with its bytes, published. Conflict where it exists, before any is read."""
    context.actor.require(Permission.SOFTWARE_RELEASE_WRITE)
    services = _services(context)
    name = command.application or services.settings.default_application
    async with context.read() as session:
        customer_id, version = context.customer_id, command.version
        if await releases.release_by_version(session, customer_id, name, version) is not None:
            raise operations.version_taken(name, version)
    claim = Claim(command.signature, command.key_id)
    async with stored(services, chunks, claim) as artifact, context.transaction() as work:
        return await operations.upload_release(work, command, name, artifact)


async def download_artifact(
    context: Context, release_id: str, range_header: str | None, if_range: str | None
) -> Download:
    """Raises `Unsatisfiable` for a range outside of it. A device sees published ones only."""
    context.actor.require(Permission.SOFTWARE_ARTIFACT_READ)
    services = _services(context)
    row = await _known_release(context, release_id)
    hidden = context.actor.kind is ActorKind.DEVICE and not is_sendable(row)
    if row.object_key is None or row.sha256 is None or hidden:
        raise NotFound("Artifact", release_id)
    part = select_range(range_header, if_range, etag(row.sha256), row.size_bytes or 0)
    chunks = services.artifacts.read(row.object_key, part.start, part.end)
    return Download(row, etag(row.sha256), part, chunks)


async def publish_release(context: Context, release_id: str) -> ReleaseRow:
    context.actor.require(Permission.SOFTWARE_RELEASE_WRITE)
    async with context.transaction() as work:
        return await operations.publish(work, release_id)


async def suspend_release(context: Context, release_id: str) -> ReleaseRow:
    context.actor.require(Permission.SOFTWARE_RELEASE_WRITE)
    async with context.transaction() as work:
        return await operations.suspend(work, release_id)


async def delete_release(context: Context, release_id: str) -> ReleaseRow:
    """With its artifact. Conflict while it is used."""
    context.actor.require(Permission.SOFTWARE_RELEASE_DELETE)
    services = _services(context)
    async with context.transaction() as work:
        row = await operations.delete_release(work, release_id, services.devices)
    if row.object_key is not None:
        await services.artifacts.discard(row.object_key)
    return row


async def add_upgrade_path(context: Context, command: ChangePath) -> EdgeRow:
    context.actor.require(Permission.SOFTWARE_RELEASE_WRITE)
    async with context.transaction() as work:
        return await operations.add_path(work, command)


async def remove_upgrade_path(context: Context, command: ChangePath) -> ReleaseRow:
    context.actor.require(Permission.SOFTWARE_RELEASE_WRITE)
    async with context.transaction() as work:
        return await operations.remove_path(work, command)


async def upgrade_path(context: Context, command: FindPath) -> list[ReleaseRow] | None:
    """The releases to install, in order, over such as can be sent now; None: there is no way."""
    context.actor.require(Permission.SOFTWARE_RELEASE_READ)
    async with context.read() as session:
        owner = await releases.application_by_name(
            session, context.customer_id, command.application
        )
        if owner is None:
            raise NotFound("Application", command.application)
        known = await releases.releases_of(session, context.customer_id, owner.id)
        if command.to_version is not None:
            wanted = known.get(command.to_version)
            if wanted is None or not is_sendable(wanted):
                return None
            routes = await routes_to(session, context.customer_id, wanted)
            hops = routes.from_version(command.from_version)
            return None if hops is None else list(hops)
        rows = await releases.edges_of(session, context.customer_id, owner.id)
    edges = [
        Edge(row.from_version, row.to_version) for row in rows if is_sendable(known[row.to_version])
    ]
    found = plan(edges, command.from_version)
    return None if found is None else [known[hop.to_version] for hop in found]


async def list_rollouts(
    context: Context, wanted: RolloutFilter, window: PageRequest
) -> Page[RolloutRow]:
    """Deployments too: they are rollouts of one group. The filter's device is one by its id or
    its identifier."""
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    async with context.read() as session:
        plain = await _by_device_id(session, context, wanted)
        return await rollouts.page(session, context.customer_id, plain, window)


async def count_rollouts(context: Context, wanted: RolloutFilter) -> int:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    async with context.read() as session:
        plain = await _by_device_id(session, context, wanted)
        return await rollouts.count(session, context.customer_id, plain)


async def _by_device_id(
    session: ReadSession, context: Context, wanted: RolloutFilter
) -> RolloutFilter:
    device_id = await _device_id(session, context, wanted.device_id)
    return replace(wanted, device_id=device_id)


async def _device_id(session: ReadSession, context: Context, key: str | None) -> str | None:
    """Of an id or an identifier, which is nothing's where no device has it. A removed device's
    rollouts are found by its id."""
    if key is None or is_id(key):
        return key
    device = await fleet.find(session, context.customer_id, key)
    return NOTHING if device is None else device.id


async def rollout(context: Context, rollout_id: str) -> RolloutRow | None:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    if not is_id(rollout_id):
        return None
    async with context.read() as session:
        found = await rollouts.by_ids(session, context.customer_id, [rollout_id])
    return found.get(rollout_id)


async def rollout_progress(
    context: Context, rows: Sequence[RolloutRow]
) -> dict[str, RolloutProgress]:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    async with context.read() as session:
        return await rollouts.progress(session, context.customer_id, rows)


async def targets_of_group(
    context: Context, group_id: str, state: TargetState | None, window: PageRequest
) -> Page[TargetRow]:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    async with context.read() as session:
        return await targets.page(session, context.customer_id, group_id, state, window)


async def targets_of_rollouts(
    context: Context, rollout_ids: Sequence[str], device_id: str | None, limit: int
) -> dict[str, list[TargetRow]]:
    """At most `limit` of each, in order; of one device where one is named."""
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    async with context.read() as session:
        plain = await _device_id(session, context, device_id)
        return await targets.of_rollouts(session, context.customer_id, rollout_ids, plain, limit)


async def target(context: Context, target_id: str) -> TargetRow | None:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    if not is_id(target_id):
        return None
    async with context.read() as session:
        return await targets.target(session, context.customer_id, target_id)


async def rollout_group(context: Context, group_id: str) -> GroupProgress | None:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    if not is_id(group_id):
        return None
    async with context.read() as session:
        return await rollouts.find_group(session, context.customer_id, group_id)


async def steps_of_target(context: Context, target_id: str) -> list[StepRow]:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    async with context.read() as session:
        return (await targets.steps_of(session, context.customer_id, [target_id]))[target_id]


async def preview_rollout(context: Context, command: CreateRollout) -> RolloutPlan:
    """What `create_rollout` would freeze now; nothing is stored."""
    context.actor.require(Permission.SOFTWARE_ROLLOUT_READ)
    devices = _services(context).devices
    wanted = await _known_release(context, command.release_id)
    async with context.read() as session:
        return await plan_rollout(session, context.customer_id, wanted, command, devices)


async def create_rollout(context: Context, command: CreateRollout) -> RolloutProgress:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    devices = _services(context).devices
    async with context.transaction() as work:
        return await rollout_operations.create_rollout(work, command, devices)


async def deploy(context: Context, command: Deploy) -> RolloutProgress:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    devices = _services(context).devices
    async with context.transaction() as work:
        return await rollout_operations.deploy(work, command, devices)


async def approve_rollout(context: Context, rollout_id: str) -> RolloutProgress:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_APPROVE)
    async with context.transaction() as work:
        return await rollout_operations.approve(work, rollout_id)


async def start_rollout(context: Context, rollout_id: str) -> RolloutProgress:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    async with context.transaction() as work:
        return await rollout_operations.start(work, rollout_id)


async def pause_rollout(context: Context, rollout_id: str) -> RolloutProgress:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    async with context.transaction() as work:
        return await rollout_operations.pause(work, rollout_id)


async def resume_rollout(context: Context, rollout_id: str) -> RolloutProgress:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    async with context.transaction() as work:
        return await rollout_operations.resume(work, rollout_id)


async def cancel_rollout(context: Context, rollout_id: str) -> RolloutProgress:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    devices = _services(context).devices
    async with context.transaction() as work:
        return await rollout_operations.cancel(work, rollout_id, devices)


async def trigger_next_group(context: Context, rollout_id: str) -> RolloutProgress:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    async with context.transaction() as work:
        return await rollout_operations.trigger_next_group(work, rollout_id)


async def retry_rollout(context: Context, rollout_id: str) -> RolloutProgress:
    context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)
    async with context.transaction() as work:
        return await rollout_operations.retry(work, rollout_id)


async def report_update(context: Context, command: ReportUpdate) -> TargetRow:
    """A device's step; a device reports for itself alone."""
    context.actor.require(Permission.SOFTWARE_UPDATE_REPORT)
    async with context.transaction() as work:
        return await target_operations.report(work, command)


async def _known_release(context: Context, release_id: str) -> ReleaseRow:
    found = {}
    if is_id(release_id):
        async with context.read() as session:
            found = await releases.releases_by_ids(session, context.customer_id, [release_id])
    if release_id not in found:
        raise NotFound("Release", release_id)
    return found[release_id]


def _services(context: Context) -> SoftwareServices:
    found = context.services.software
    if found is None:
        raise Unavailable("Software is not distributed from here")
    return found

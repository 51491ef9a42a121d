"""Applications, their releases, and the bytes of those."""

from collections.abc import AsyncIterator

from domain.kernel.errors import Conflict, NotFound
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from domain.software.commands import (
    ChangePath,
    CreateApplication,
    CreateRelease,
    FindPath,
    ReleaseChanges,
    ReleaseFilter,
    UploadArtifact,
    UploadRelease,
)
from domain.software.operations import releases as operations
from domain.software.operations.planning import (
    is_sendable,
    routes_to,
)
from domain.software.repository import releases
from domain.software.rows import (
    ApplicationRow,
    EdgeRow,
    ReleaseRow,
)
from domain.software.rules.upgrades import Edge, plan
from domain.software.uploads import Claim, stored
from graph.context import Context
from graph.software.access import known_release, require_strategy, software


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
    """A draft unless it has a strategy; its bytes come by `upload_artifact`."""
    context.actor.require(Permission.SOFTWARE_RELEASE_WRITE)
    require_strategy(context, command.strategy)
    async with context.transaction() as work:
        return await operations.create_release(work, command)


async def upload_artifact(
    context: Context, command: UploadArtifact, chunks: AsyncIterator[bytes]
) -> ReleaseRow:
    """The bytes of a release that has none. Conflict where it has, before any is read."""
    context.actor.require(Permission.SOFTWARE_RELEASE_WRITE)
    services = software(context)
    before = await known_release(context, command.release_id)
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
    services = software(context)
    name = command.application or services.settings.default_application
    async with context.read() as session:
        customer_id, version = context.customer_id, command.version
        if await releases.release_by_version(session, customer_id, name, version) is not None:
            raise operations.version_taken(name, version)
    claim = Claim(command.signature, command.key_id)
    async with stored(services, chunks, claim) as artifact, context.transaction() as work:
        return await operations.upload_release(work, command, name, artifact)


async def update_release(context: Context, release_id: str, changes: ReleaseChanges) -> ReleaseRow:
    context.actor.require(Permission.SOFTWARE_RELEASE_WRITE)
    require_strategy(context, changes.strategy)
    async with context.transaction() as work:
        return await operations.update_release(work, release_id, changes)


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
    services = software(context)
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

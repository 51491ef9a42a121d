"""Applications, releases and the ways between them."""

from domain.kernel.artifacts import StoredArtifact
from domain.kernel.errors import Conflict, NotFound
from domain.kernel.ids import new_id
from domain.kernel.lookups import required
from domain.kernel.transitions import require_edge
from domain.kernel.uow import UnitOfWork
from domain.software import events
from domain.software.commands import (
    ChangePath,
    CreateApplication,
    CreateRelease,
    UploadArtifact,
    UploadRelease,
)
from domain.software.models import ReleaseState
from domain.software.ports import DeviceDirectory
from domain.software.repository import releases
from domain.software.rows import ApplicationRow, EdgeRow, ReleaseRow
from domain.software.rules import upgrades
from domain.software.rules.states import RELEASE_EDGES
from domain.software.rules.versions import is_downgrade


async def create_application(work: UnitOfWork, command: CreateApplication) -> ApplicationRow:
    row = ApplicationRow(new_id(), command.name, command.description, work.now_us)
    if not await releases.insert_application(work.session, work.customer_id, row):
        raise Conflict("An application of this name exists", name=command.name)
    work.record(events.STREAM, events.APPLICATION_CREATED, row.id, application=row._asdict())
    return row


async def ensure_application(work: UnitOfWork, name: str) -> ApplicationRow:
    """The application of that name, made by its first release if need be."""
    found = await releases.application_by_name(work.session, work.customer_id, name)
    if found is None:
        row = ApplicationRow(new_id(), name, "", work.now_us)
        if await releases.insert_application(work.session, work.customer_id, row):
            work.record(
                events.STREAM, events.APPLICATION_CREATED, row.id, application=row._asdict()
            )
            return row
        found = await releases.application_by_name(work.session, work.customer_id, name)
    if found is None:
        raise Conflict("The application was removed meanwhile", name=name)
    return found


async def create_release(work: UnitOfWork, command: CreateRelease) -> ReleaseRow:
    """A draft without an artifact, and the ways into it. Conflict where the version is there."""
    application = await ensure_application(work, command.application)
    row = await _insert(work, application, command.version, command.notes)
    for version in dict.fromkeys(command.upgradable_from):
        await add_path(work, ChangePath.of(release_id=row.id, from_version=version))
    return row


async def upload_release(
    work: UnitOfWork, command: UploadRelease, application: str, artifact: StoredArtifact
) -> ReleaseRow:
    """Version and bytes at once, published. Conflict where the version is there."""
    owner = await ensure_application(work, application)
    row = await _insert(work, owner, command.version, command.notes)
    attached = UploadArtifact.of(
        release_id=row.id,
        filename=command.filename,
        signature=command.signature,
        key_id=command.key_id,
    )
    await attach_artifact(work, attached, artifact)
    return await publish(work, row.id)


async def attach_artifact(
    work: UnitOfWork, command: UploadArtifact, artifact: StoredArtifact
) -> ReleaseRow:
    """Once: what devices may have downloaded is never replaced under the same version."""
    before = await require_release(work, command.release_id)
    done = await releases.attach_artifact(
        work.session,
        work.customer_id,
        before.id,
        filename=command.filename,
        size_bytes=artifact.size_bytes,
        sha256=artifact.sha256,
        signature=command.signature,
        key_id=command.key_id,
        object_key=artifact.key,
    )
    if not done:
        raise Conflict("The release has its artifact already", version=before.version)
    row = await require_release(work, before.id)
    events.record_release(work, events.ARTIFACT_UPLOADED, row, before)
    return row


async def publish(work: UnitOfWork, release_id: str) -> ReleaseRow:
    return await _become(work, release_id, ReleaseState.PUBLISHED)


async def suspend(work: UnitOfWork, release_id: str) -> ReleaseRow:
    """No device is sent it any more; a rollout of it that runs is halted."""
    return await _become(work, release_id, ReleaseState.SUSPENDED)


async def delete_release(work: UnitOfWork, release_id: str, devices: DeviceDirectory) -> ReleaseRow:
    """Conflict while a rollout wants it or a device runs it. What is left is its object."""
    row = await require_release(work, release_id)
    await releases.lock_release(work.session, work.customer_id, row.id)
    if await releases.is_rolled_out(work.session, work.customer_id, row.id):
        raise Conflict("The release is being rolled out", version=row.version)
    if await devices.is_installed(work.session, work.customer_id, row.application, row.version):
        raise Conflict("The release is installed on a device", version=row.version)
    await releases.delete_release(work.session, work.customer_id, row.id)
    events.record_release(work, events.RELEASE_DELETED, row)
    return row


async def add_path(work: UnitOfWork, command: ChangePath) -> EdgeRow:
    """Again is no change. A downgrade is allowed and flagged, a way to itself refused."""
    release = await require_release(work, command.release_id)
    edge = upgrades.edge(command.from_version, release.version)
    row = EdgeRow(release.id, *edge, is_downgrade(*edge))
    if await releases.insert_edge(work.session, work.customer_id, row):
        work.record(events.STREAM, events.PATH_ADDED, release.id, **row._asdict())
    return row


async def remove_path(work: UnitOfWork, command: ChangePath) -> ReleaseRow:
    release = await require_release(work, command.release_id)
    gone = await releases.delete_edge(
        work.session, work.customer_id, release.id, command.from_version
    )
    if not gone:
        raise NotFound("Upgrade path", f"{command.from_version} to {release.version}")
    edge = EdgeRow(
        release.id,
        command.from_version,
        release.version,
        is_downgrade(command.from_version, release.version),
    )
    work.record(events.STREAM, events.PATH_REMOVED, release.id, **edge._asdict())
    return release


async def require_release(work: UnitOfWork, release_id: str) -> ReleaseRow:
    return await required(work, releases.releases_by_ids, "Release", release_id)


async def _insert(
    work: UnitOfWork, application: ApplicationRow, version: str, notes: str
) -> ReleaseRow:
    row = ReleaseRow(
        id=new_id(),
        application_id=application.id,
        application=application.name,
        version=version,
        state=ReleaseState.DRAFT,
        notes=notes,
        filename=None,
        size_bytes=None,
        sha256=None,
        signature=None,
        key_id=None,
        object_key=None,
        created_by=work.actor.name,
        created_at_us=work.now_us,
        published_at_us=None,
    )
    if not await releases.insert_release(work.session, work.customer_id, row):
        raise version_taken(application.name, version)
    events.record_release(work, events.RELEASE_CREATED, row)
    return row


def version_taken(application: str, version: str) -> Conflict:
    return Conflict("This version exists already", application=application, version=version)


async def _become(work: UnitOfWork, release_id: str, wanted: ReleaseState) -> ReleaseRow:
    row = await require_release(work, release_id)
    if not require_edge(RELEASE_EDGES, row.state, wanted, "release"):
        return row
    published_at_us = row.published_at_us
    if wanted is ReleaseState.PUBLISHED and published_at_us is None:
        published_at_us = work.now_us
    done = row._replace(state=wanted, published_at_us=published_at_us)
    changed = await releases.set_state(
        work.session,
        work.customer_id,
        row.id,
        row.state,
        state=done.state,
        published_at_us=done.published_at_us,
    )
    if not changed:
        raise Conflict("The release was changed meanwhile")
    events.record_release(work, events.RELEASE_CHANGED, done, row)
    return done

"""Applications, releases and the ways between them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

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
    ReleaseChanges,
    TargetFilter,
    UploadArtifact,
    UploadRelease,
)
from domain.software.models import ReleaseState, RolloutStrategy
from domain.software.ports import DeviceDirectory
from domain.software.repository import filters, releases
from domain.software.rows import ApplicationRow, EdgeRow, ReleaseRow, TargetingRow
from domain.software.rules import upgrades
from domain.software.rules.states import RELEASE_EDGES
from domain.software.rules.versions import is_downgrade

STATES: Final[Mapping[RolloutStrategy, ReleaseState]] = {
    RolloutStrategy.SUSPENDED: ReleaseState.SUSPENDED,
    RolloutStrategy.TARGETED: ReleaseState.PUBLISHED,
    RolloutStrategy.GENERAL: ReleaseState.PUBLISHED,
}
_CHANGEABLE: Final = ("notes", "needs_file", "release_metadata", "is_targeted")
_ARTIFACT: Final = ("filename", "size_bytes", "sha256", "signature", "key_id", "object_key")


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
    """Without an artifact, with the ways into it and whom it is for; a draft unless it has a
    strategy. Conflict where the version is there."""
    application = await ensure_application(work, command.application)
    row = await _insert(
        work,
        application,
        command.version,
        command.notes,
        specification=command.specification,
        release_metadata=command.release_metadata,
        needs_file=command.needs_file,
        is_targeted=command.strategy is RolloutStrategy.TARGETED,
    )
    for version in dict.fromkeys(command.upgradable_from):
        await add_path(work, ChangePath.of(release_id=row.id, from_version=version))
    await target_release(work, row.id, command.filters)
    if command.strategy is None:
        return row
    return await _become(work, row.id, STATES[command.strategy])


async def update_release(work: UnitOfWork, release_id: str, command: ReleaseChanges) -> ReleaseRow:
    """Only what is given changes, all of it or nothing."""
    before = await locked_release(work, release_id)
    row = before._replace(**_changes(command))
    if row != before:
        values = {name: getattr(row, name) for name in _CHANGEABLE}
        await releases.change_release(work.session, work.customer_id, row.id, **values)
        events.record_release(work, events.RELEASE_UPDATED, row, before)
    if "upgradable_from" in command.model_fields_set:
        await replace_paths(work, row, command.upgradable_from)
    if "filters" in command.model_fields_set:
        await target_release(work, row.id, command.filters)
    if command.strategy is None:
        return row
    return await _become(work, row.id, STATES[command.strategy])


async def replace_paths(work: UnitOfWork, row: ReleaseRow, wanted: Sequence[str]) -> None:
    """Of a release that is locked."""
    found = await releases.edges_into(work.session, work.customer_id, [row.id])
    known = {edge.from_version for edge in found[row.id]}
    for version in sorted(known - set(wanted)):
        await remove_path(work, ChangePath.of(release_id=row.id, from_version=version))
    for version in dict.fromkeys(wanted):
        await add_path(work, ChangePath.of(release_id=row.id, from_version=version))


async def target_release(work: UnitOfWork, release_id: str, wanted: Sequence[TargetFilter]) -> None:
    """Instead of the filters that it had."""
    session, customer_id = work.session, work.customer_id
    before = (await filters.targeting_of(session, customer_id, [release_id]))[release_id]
    rows = [
        TargetingRow(release_id, position, one.filter, one.active_from_us)
        for position, one in enumerate(wanted)
    ]
    if rows != before:
        await filters.replace_targeting(session, customer_id, release_id, rows)
        events.record_targeting(work, release_id, before, rows)


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
    row = await locked_release(work, release_id)
    await require_unused(work, row, devices)
    await filters.replace_targeting(work.session, work.customer_id, row.id, ())
    await releases.delete_release(work.session, work.customer_id, row.id)
    events.record_release(work, events.RELEASE_DELETED, row)
    return row


async def require_unused(work: UnitOfWork, row: ReleaseRow, devices: DeviceDirectory) -> None:
    """Of a release that is locked. Conflict while a rollout wants it or a device runs it."""
    if await releases.is_rolled_out(work.session, work.customer_id, row.id):
        raise Conflict("The release is being rolled out", version=row.version)
    if await devices.is_installed(work.session, work.customer_id, row.application, row.version):
        raise Conflict("The release is installed on a device", version=row.version)


async def put_artifact(
    work: UnitOfWork, command: UploadArtifact, artifact: StoredArtifact, devices: DeviceDirectory
) -> tuple[ReleaseRow, str | None]:
    """Instead of the artifact that the release has; with the key of what is needed no more, if
    there is such a thing. The same again changes nothing. Conflict where another one is used."""
    before = await locked_release(work, command.release_id)
    if (before.sha256, before.filename) == (artifact.sha256, command.filename):
        return before, artifact.key
    if before.object_key is not None:
        await _detach(work, before, devices)
    return await attach_artifact(work, command, artifact), before.object_key


async def remove_artifact(
    work: UnitOfWork, release_id: str, filename: str, devices: DeviceDirectory
) -> ReleaseRow:
    """The release as it was: what is left is its object. Conflict while it is used."""
    before = await locked_release(work, release_id)
    if before.object_key is None or before.filename != filename:
        raise NotFound("File", filename)
    await _detach(work, before, devices)
    return before


async def locked_release(work: UnitOfWork, release_id: str) -> ReleaseRow:
    """As it is behind the lock."""
    await require_release(work, release_id)
    await releases.lock_release(work.session, work.customer_id, release_id)
    return await require_release(work, release_id)


async def _detach(work: UnitOfWork, before: ReleaseRow, devices: DeviceDirectory) -> None:
    await require_unused(work, before, devices)
    nothing: dict[str, Any] = dict.fromkeys(_ARTIFACT)
    await releases.change_release(work.session, work.customer_id, before.id, **nothing)
    events.record_release(work, events.ARTIFACT_REMOVED, before._replace(**nothing), before)


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


def _changes(command: ReleaseChanges) -> dict[str, Any]:
    given = command.model_dump(include={*_CHANGEABLE, "strategy"}, exclude_unset=True)
    strategy = given.pop("strategy", None)
    # A suspended release keeps whom it was for: publishing it goes on with that.
    if strategy is not None and strategy is not RolloutStrategy.SUSPENDED:
        given["is_targeted"] = strategy is RolloutStrategy.TARGETED
    return given


async def _insert(
    work: UnitOfWork, application: ApplicationRow, version: str, notes: str, **more: Any
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
        **more,
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

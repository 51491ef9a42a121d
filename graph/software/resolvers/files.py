"""The bytes of releases: by token, by link, under a name that their owner gave them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from domain.kernel.actor import ActorKind
from domain.kernel.errors import NotFound
from domain.kernel.permissions import Permission
from domain.software.commands import UploadArtifact
from domain.software.links import FileLink, claim_of, not_good, require_same
from domain.software.operations import releases as operations
from domain.software.operations.planning import is_sendable
from domain.software.ports import SoftwareServices
from domain.software.repository import releases
from domain.software.rows import ReleaseRow, SoftwareName
from domain.software.rules.ranges import ByteRange, etag, select_range
from domain.software.uploads import Claim, stored
from graph.context import Context
from graph.software.access import known_release, known_version, signed_link, software


@dataclass(frozen=True, slots=True)
class Download:
    """`chunks` are the bytes of `part`, to be iterated once."""

    release: ReleaseRow
    etag: str
    part: ByteRange
    chunks: AsyncIterator[bytes]


async def download_artifact(
    context: Context, release_id: str, range_header: str | None, if_range: str | None
) -> Download:
    """Raises `Unsatisfiable` for a range outside of it. A device sees published ones only."""
    context.actor.require(Permission.SOFTWARE_ARTIFACT_READ)
    services = software(context)
    row = await known_release(context, release_id)
    hidden = context.actor.kind is ActorKind.DEVICE and not is_sendable(row)
    if row.object_key is None or hidden:
        raise NotFound("Artifact", release_id)
    return _download(services, row, range_header, if_range)


async def download_by_link(
    context: Context, token: str, range_header: str | None, if_range: str | None
) -> Download:
    """Public. The link's signature is the permission; Forbidden for all that is not good now."""
    services, now_us = software(context), context.services.clock.now_us()
    claim = claim_of(context.services.identity.macs, token, now_us)
    async with context.read() as session:
        found = await releases.releases_by_ids(session, claim.customer_id, [claim.release_id])
    row = found.get(claim.release_id)
    if row is None or row.object_key is None:
        raise not_good()
    require_same(claim, row)
    return _download(services, row, range_header, if_range)


async def file_link(context: Context, name: SoftwareName, filename: str) -> FileLink:
    """Whoever has the link has the bytes."""
    context.actor.require(Permission.SOFTWARE_RELEASE_READ)
    context.actor.require(Permission.SOFTWARE_ARTIFACT_READ)
    services = software(context)
    row = await known_version(context, name)
    if row.object_key is None or row.filename != filename:
        raise NotFound("File", filename)
    return signed_link(context, services, row)


async def artifact_link(context: Context, release_id: str) -> FileLink:
    """Whoever has the link has the bytes."""
    context.actor.require(Permission.SOFTWARE_RELEASE_READ)
    context.actor.require(Permission.SOFTWARE_ARTIFACT_READ)
    services = software(context)
    row = await known_release(context, release_id)
    if row.object_key is None:
        raise NotFound("Artifact", release_id)
    return signed_link(context, services, row)


async def put_file(
    context: Context, name: SoftwareName, filename: str, chunks: AsyncIterator[bytes]
) -> ReleaseRow:
    """Instead of the one that is there, unless that is used by now."""
    context.actor.require(Permission.SOFTWARE_RELEASE_WRITE)
    services = software(context)
    found = await known_version(context, name)
    command = UploadArtifact.of(release_id=found.id, filename=filename)
    async with stored(services, chunks, Claim()) as artifact, context.transaction() as work:
        row, obsolete = await operations.put_artifact(work, command, artifact, services.devices)
    if obsolete is not None:
        await services.artifacts.discard(obsolete)
    return row


async def remove_file(context: Context, name: SoftwareName, filename: str) -> ReleaseRow:
    """Conflict while the release is used."""
    context.actor.require(Permission.SOFTWARE_RELEASE_DELETE)
    services = software(context)
    found = await known_version(context, name)
    async with context.transaction() as work:
        row = await operations.remove_artifact(work, found.id, filename, services.devices)
    if row.object_key is not None:
        await services.artifacts.discard(row.object_key)
    return row


def _download(
    services: SoftwareServices, row: ReleaseRow, range_header: str | None, if_range: str | None
) -> Download:
    tag = etag(row.sha256 or "")
    part = select_range(range_header, if_range, tag, row.size_bytes or 0)
    chunks = services.artifacts.read(row.object_key or "", part.start, part.end)
    return Download(row, tag, part, chunks)

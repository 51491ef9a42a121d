"""Bytes on their way in: a temporary object, checked, then a lasting one, then a row.

The object comes before the row that names it, so a row never names nothing. What a crash leaves
between the two is swept up later, because no row names it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from domain.kernel.database import Database
from domain.kernel.errors import DomainError, Unavailable, ValidationFailed
from domain.kernel.ids import new_id
from domain.software.operations.releases import StoredArtifact
from domain.software.ports import ReceivedArtifact, SoftwareServices
from domain.software.repository import releases

ORPHAN_AGE_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Claim:
    """What the uploader says about the bytes, to be checked."""

    signature: str | None = None
    key_id: str | None = None
    sha256: str | None = None


@asynccontextmanager
async def stored(
    services: SoftwareServices, chunks: AsyncIterator[bytes], claim: Claim
) -> AsyncIterator[StoredArtifact]:
    """Around the unit of work that makes a row of it. If that is refused, the bytes are gone
    again; where it is not known how it ended, they stay for the sweep to judge."""
    received = await services.artifacts.receive(chunks, services.settings.max_artifact_bytes)
    key = f"releases/{new_id()}"
    try:
        _check(services, received, claim)
        await services.artifacts.publish(received, key)
    except BaseException:
        await _discard(services, received.key)
        raise
    try:
        yield StoredArtifact(key, received.size_bytes, received.sha256)
    except Unavailable:
        raise
    except DomainError:
        await _discard(services, key)
        raise


async def sweep_artifacts(
    database: Database, services: SoftwareServices, older_than_s: float = ORPHAN_AGE_S
) -> int:
    """Removes objects that no row names and no upload can still be busy with; how many."""
    async with database.read() as session:
        known = await releases.objects(session)
    return await services.artifacts.sweep(older_than_s, known)


def _check(services: SoftwareServices, received: ReceivedArtifact, claim: Claim) -> None:
    if received.size_bytes == 0:
        raise ValidationFailed("body", "an artifact has at least one byte")
    if claim.sha256 is not None and claim.sha256 != received.sha256:
        raise ValidationFailed("sha256", "not the digest of what arrived", found=received.sha256)
    if claim.signature is None:
        if services.settings.require_signature:
            raise ValidationFailed("signature", "artifacts are signed here")
        return
    if services.signatures is not None:
        services.signatures.verify(received.sha256, claim.signature, claim.key_id)


async def _discard(services: SoftwareServices, key: str) -> None:
    # Also when the uploader has gone: the task is cancelled, the bytes must not stay.
    await asyncio.shield(asyncio.ensure_future(services.artifacts.discard(key)))

"""Bytes of releases on their way in, and what is left of those that did not arrive."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Final

from domain.kernel import artifacts
from domain.kernel.artifacts import ORPHAN_AGE_S, ReceivedArtifact, StoredArtifact
from domain.kernel.database import Database
from domain.kernel.errors import ValidationFailed
from domain.software.ports import SoftwareServices
from domain.software.repository import releases

FOLDER: Final = "releases"


@dataclass(frozen=True, slots=True)
class Claim:
    """What the uploader says about the bytes, to be checked."""

    signature: str | None = None
    key_id: str | None = None
    sha256: str | None = None


def stored(
    services: SoftwareServices, chunks: AsyncIterator[bytes], claim: Claim
) -> AbstractAsyncContextManager[StoredArtifact]:
    """Around the unit of work that makes a row of it."""
    check = partial(_check, services, claim)
    max_bytes = services.settings.max_artifact_bytes
    return artifacts.stored(services.artifacts, FOLDER, chunks, max_bytes, check)


async def sweep_artifacts(
    database: Database, services: SoftwareServices, older_than_s: float = ORPHAN_AGE_S
) -> int:
    """Removes objects that no row names and no upload can still be busy with; how many."""
    async with database.read() as session:
        known = await releases.objects(session)
    return await services.artifacts.sweep(FOLDER, older_than_s, known)


def _check(services: SoftwareServices, claim: Claim, received: ReceivedArtifact) -> None:
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

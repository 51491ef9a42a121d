"""Bytes of configuration files on their way in and out, and what is left of those that did not
arrive."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Final

from domain.fleet.config_files import repository
from domain.fleet.config_files.ports import ConfigFileServices
from domain.fleet.config_files.rows import ConfigFileRow
from domain.kernel import artifacts
from domain.kernel.artifacts import ORPHAN_AGE_S, StoredArtifact
from domain.kernel.database import Database

FOLDER: Final = "device-configs"


def stored(
    services: ConfigFileServices, chunks: AsyncIterator[bytes]
) -> AbstractAsyncContextManager[StoredArtifact]:
    """Around the unit of work that makes a row of it."""
    return artifacts.stored(services.artifacts, FOLDER, chunks, services.max_bytes)


async def content(services: ConfigFileServices, row: ConfigFileRow) -> AsyncIterator[bytes]:
    """Begun: the first bytes are there. Raises NotFound where they were replaced meanwhile."""
    if row.size_bytes == 0:
        return _after(b"", None)
    chunks = services.artifacts.read(row.object_key, 0, row.size_bytes)
    return _after(await anext(chunks), chunks)


async def _after(first: bytes, rest: AsyncIterator[bytes] | None) -> AsyncIterator[bytes]:
    yield first
    if rest is not None:
        async for chunk in rest:
            yield chunk


async def sweep_config_files(
    database: Database, services: ConfigFileServices, older_than_s: float = ORPHAN_AGE_S
) -> int:
    """Removes objects that no row names and no upload can still be busy with; how many."""
    async with database.read() as session:
        known = await repository.objects(session)
    return await services.artifacts.sweep(FOLDER, older_than_s, known)

"""Bytes that are too many for a database: where they lie, and how they come to lie there.

An object comes before the row that names it, so a row never names nothing. What a crash leaves
between the two is swept up later, because no row names it. Each context keeps its objects in a
folder of its own and sweeps that one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, Protocol

from domain.kernel.errors import DomainError, Unavailable
from domain.kernel.ids import new_id

ORPHAN_AGE_S: Final = 86_400.0
"""No upload is still busy with what has lain there for so long."""


class ReceivedArtifact(NamedTuple):
    """A temporary object, complete. `sha256` in lower-case hex."""

    key: str
    size_bytes: int
    sha256: str


class ArtifactStore(Protocol):
    """Bytes by key. Every method raises Unavailable while the storage does not answer."""

    async def receive(self, chunks: AsyncIterator[bytes], max_bytes: int) -> ReceivedArtifact:
        """Raises ValidationFailed over the limit; a stream that raises leaves nothing behind."""

    async def publish(self, received: ReceivedArtifact, key: str) -> None:
        """Gives it its lasting key in one step; once answered it survives a power cut."""

    async def discard(self, key: str) -> None:
        """Whether it is there or not."""

    def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Bytes from `start` to before `end`; NotFound for an unknown key."""

    async def sweep(self, folder: str, older_than_s: float, is_known: Collection[str]) -> int:
        """Removes what is old and not known in `folder`, and what uploads that died left behind.
        How many."""


class StoredArtifact(NamedTuple):
    """An object that no row names yet."""

    key: str
    size_bytes: int
    sha256: str


@asynccontextmanager
async def stored(
    store: ArtifactStore,
    folder: str,
    chunks: AsyncIterator[bytes],
    max_bytes: int,
    check: Callable[[ReceivedArtifact], None] | None = None,
) -> AsyncIterator[StoredArtifact]:
    """Around the unit of work that makes a row of it; `check` refuses by raising. If the work is
    refused, the bytes are gone again; where it is not known how it ended, they stay for the sweep
    to judge."""
    received = await store.receive(chunks, max_bytes)
    key = f"{folder}/{new_id()}"
    try:
        if check is not None:
            check(received)
        await store.publish(received, key)
    except BaseException:
        await discarded(store, received.key)
        raise
    try:
        yield StoredArtifact(key, received.size_bytes, received.sha256)
    except Unavailable:
        raise
    except DomainError:
        await discarded(store, key)
        raise


async def discarded(store: ArtifactStore, key: str) -> None:
    """Also when the uploader has gone: the task is cancelled, the bytes must not stay."""
    await asyncio.shield(asyncio.ensure_future(store.discard(key)))

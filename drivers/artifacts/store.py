"""Artifacts as objects, in a folder or in S3-compatible storage, through obstore.

`incoming/…` are uploads under way, `releases/…` what was checked. Incomplete multipart uploads of
a process that died stay hidden in a bucket: give it a lifecycle rule that aborts them.
"""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from domain.kernel.errors import NotFound, Unavailable, ValidationFailed
from domain.kernel.ids import new_id
from domain.software.ports import ReceivedArtifact

INCOMING: Final = "incoming/"
PART_BYTES: Final = 5 * 1024 * 1024
READ_BYTES: Final = 256 * 1024


class ObjectArtifacts:
    """An `ArtifactStore` on any obstore store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def receive(self, chunks: AsyncIterator[bytes], max_bytes: int) -> ReceivedArtifact:
        intake = _Intake(chunks, max_bytes)
        key = f"{INCOMING}{new_id()}"
        async with _storage():
            await obstore.put_async(
                self._store,
                key,
                intake.stream(),
                use_multipart=True,
                chunk_size=PART_BYTES,
                max_concurrency=2,
            )
        if intake.failure is not None:
            await self.discard(key)
            raise intake.failure
        return ReceivedArtifact(key, intake.size_bytes, intake.sha256.hexdigest())

    async def publish(self, received: ReceivedArtifact, key: str) -> None:
        async with _storage():
            await obstore.rename_async(self._store, received.key, key)

    async def discard(self, key: str) -> None:
        async with _storage():
            try:
                await obstore.delete_async(self._store, key)
            except FileNotFoundError:
                return

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        async with _storage():
            try:
                found = await obstore.get_async(self._store, key, options={"range": (start, end)})
            except FileNotFoundError:
                raise NotFound("Artifact", key) from None
            async for chunk in found.stream(min_chunk_size=READ_BYTES):
                yield bytes(chunk)

    async def sweep(self, older_than_s: float, is_known: Collection[str]) -> int:
        before = datetime.now(UTC) - timedelta(seconds=older_than_s)
        async with _storage():
            stale = [
                meta["path"]
                async for page in obstore.list(self._store)
                for meta in page
                if meta["path"] not in is_known and meta["last_modified"] < before
            ]
        for key in stale:
            await self.discard(key)
        return len(stale)


class LocalArtifacts(ObjectArtifacts):
    """In a folder, which is made if need be. What is published survives a power cut."""

    def __init__(self, folder: Path) -> None:
        super().__init__(LocalStore(folder, mkdir=True))
        self._folder = folder

    async def publish(self, received: ReceivedArtifact, key: str) -> None:
        await asyncio.to_thread(_sync, self._folder / received.key)
        await super().publish(received, key)
        await asyncio.to_thread(_sync, (self._folder / key).parent)

    async def sweep(self, older_than_s: float, is_known: Collection[str]) -> int:
        parts = await asyncio.to_thread(_remove_parts, self._folder / INCOMING, older_than_s)
        return parts + await super().sweep(older_than_s, is_known)


def s3_artifacts(
    bucket: str,
    *,
    prefix: str = "",
    endpoint: str | None = None,
    region: str = "us-east-1",
    access_key_id: str | None = None,
    secret_access_key: str | None = None,
    retries: int = 5,
) -> ObjectArtifacts:
    """Keys that are not given come from the environment, as obstore finds them there."""
    given = {
        "endpoint": endpoint,
        "region": region,
        "access_key_id": access_key_id,
        "secret_access_key": secret_access_key,
    }
    config = {name: value for name, value in given.items() if value is not None}
    plain = endpoint is not None and endpoint.startswith("http://")
    return ObjectArtifacts(
        S3Store(
            bucket,
            prefix=prefix or None,
            config=config,  # type: ignore[arg-type] # a TypedDict of many optional strings
            client_options={"allow_http": plain},
            retry_config={"max_retries": retries},
        )
    )


class _Intake:
    """Counts and digests on the way. It never raises into obstore, which takes an iterator's
    exception badly (the interpreter may abort at its exit): the stream just ends, and `failure`
    says that what was stored is not to be used."""

    def __init__(self, chunks: AsyncIterator[bytes], max_bytes: int) -> None:
        self._chunks = chunks
        self._max_bytes = max_bytes
        self.size_bytes = 0
        self.sha256 = hashlib.sha256()
        self.failure: Exception | None = None

    async def stream(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._chunks:
                self.size_bytes += len(chunk)
                if self.size_bytes > self._max_bytes:
                    self.failure = ValidationFailed(
                        "body", "the artifact is too large", max_bytes=self._max_bytes
                    )
                    return
                self.sha256.update(chunk)
                yield chunk
        except Exception as error:  # noqa: BLE001 - raised by `receive`, once nothing is left of it
            self.failure = error


@asynccontextmanager
async def _storage() -> AsyncIterator[None]:
    """The store's own errors as ours."""
    try:
        yield
    except (BaseError, OSError) as error:
        cause = type(error).__name__
        raise Unavailable("The artifact storage cannot take this now", cause=cause) from error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_parts(folder: Path, older_than_s: float) -> int:
    """Uploads that a killed process left half written: obstore names them `…#n` and hides them
    from its own lists."""
    before_s = time.time() - older_than_s
    stale = [path for path in folder.glob("*#*") if path.stat().st_mtime < before_s]
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)

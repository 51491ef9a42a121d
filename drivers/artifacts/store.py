"""Artifacts as objects, in a folder or in S3-compatible storage, through obstore.

`incoming/…` are uploads under way; what was checked is in a folder for each kind. Incomplete
multipart uploads of a process that died stay hidden in a bucket: give it a lifecycle rule that
aborts them.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from domain.kernel.artifacts import ReceivedArtifact
from domain.kernel.errors import NotFound, Unavailable, ValidationFailed
from domain.kernel.ids import new_id
from drivers.durable import sync_to_disk
from drivers.threads import completed, left_alone

if TYPE_CHECKING:
    from obstore import WritableFile

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

INCOMING: Final = "incoming/"
PART_BYTES: Final = 5 * 1024 * 1024
READ_BYTES: Final = 256 * 1024
PARTS_AT_ONCE: Final = 4
CONNECT_S: Final = 5.0
REQUEST_S: Final = 60.0
"""From the call to the end of the answer, the upload of a part included: the parts that are sent at
once share the line, which 3 Mbit/s are enough for."""
RETRY_S: Final = 30.0
"""No request is tried again later than this, so that none is that was not answered at all: a call
to storage that is silent takes `REQUEST_S`."""
GRACE_S: Final = 2.0
"""How long somebody who is cancelled waits for storage, and for what is half stored to be removed;
then others go on."""


class ObjectArtifacts:
    """An `ArtifactStore` on any obstore store.

    obstore is called in threads, never through its own futures: those are completed by threads
    that touch the interpreter, which aborts where it ends at that moment.

    With `grace_s` a call that is cancelled is left to itself after that time, and what it leaves
    in `incoming/` is the sweep's; without, everything is waited for.
    """

    def __init__(self, store: ObjectStore, grace_s: float | None = None) -> None:
        self._store = store
        self._grace_s = grace_s

    async def receive(self, chunks: AsyncIterator[bytes], max_bytes: int) -> ReceivedArtifact:
        key, size_bytes, sha256 = f"{INCOMING}{new_id()}", 0, hashlib.sha256()
        writer = await self._call(
            obstore.open_writer,
            self._store,
            key,
            buffer_size=PART_BYTES,
            max_concurrency=PARTS_AT_ONCE,
        )
        try:
            async for chunk in chunks:
                size_bytes += len(chunk)
                if size_bytes > max_bytes:
                    raise ValidationFailed("body", "the artifact is too large", max_bytes=max_bytes)
                sha256.update(chunk)
                await self._call(writer.write, chunk)
            await self._call(writer.close)
        except BaseException:
            # Also when the uploader has gone: the task is cancelled, the bytes must not stay.
            # What storage does not take in time goes on by itself, or is left to the sweep.
            await asyncio.wait({self._abandoning(writer, key)}, timeout=self._grace_s)
            raise
        return ReceivedArtifact(key, size_bytes, sha256.hexdigest())

    async def publish(self, received: ReceivedArtifact, key: str) -> None:
        await self._call(obstore.rename, self._store, received.key, key)

    async def discard(self, key: str) -> None:
        with suppress(FileNotFoundError):
            await self._call(obstore.delete, self._store, key)

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        try:
            found = await self._call(obstore.get, self._store, key, options={"range": (start, end)})
        except FileNotFoundError:
            raise NotFound("Artifact", key) from None
        chunks = iter(found.stream(min_chunk_size=READ_BYTES))
        while (chunk := await self._call(next, chunks, None)) is not None:
            yield bytes(chunk)

    async def sweep(self, folder: str, older_than_s: float, is_known: Collection[str]) -> int:
        before = datetime.now(UTC) - timedelta(seconds=older_than_s)
        listed = [
            *await self._call(self._listed, INCOMING),
            *await self._call(self._listed, f"{folder}/"),
        ]
        stale = [key for key, at in listed if key not in is_known and at < before]
        for key in stale:
            await self.discard(key)
        return len(stale)

    def _listed(self, prefix: str) -> list[tuple[str, datetime]]:
        pages = obstore.list(self._store, prefix)
        return [(meta["path"], meta["last_modified"]) for page in pages for meta in page]

    def _abandoning(self, writer: "WritableFile", key: str) -> asyncio.Task[None]:
        abandoning = asyncio.create_task(self._abandon(writer, key))
        abandoning.add_done_callback(_heard)
        return abandoning

    async def _abandon(self, writer: "WritableFile", key: str) -> None:
        """Ended, then removed: an upload in parts that is merely dropped stays in a bucket, hidden
        and paid for."""
        try:
            await self._call(writer.close)
        except (Unavailable, ValueError):
            return  # nothing was stored
        with suppress(Unavailable):
            await self.discard(key)

    async def _call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The store's own errors as ours, except FileNotFoundError."""
        try:
            if self._grace_s is None:
                return await completed(function, *args, **kwargs)
            return await left_alone(self._grace_s, function, *args, **kwargs)
        except FileNotFoundError:
            raise
        except (BaseError, OSError) as error:
            cause = type(error).__name__
            raise Unavailable("The artifact storage cannot take this now", cause=cause) from error


class LocalArtifacts(ObjectArtifacts):
    """In a folder, which is made if need be. What is published survives a power cut."""

    def __init__(self, folder: Path) -> None:
        super().__init__(LocalStore(folder, mkdir=True))
        self._folder = folder

    async def publish(self, received: ReceivedArtifact, key: str) -> None:
        await completed(sync_to_disk, self._folder / received.key)
        await super().publish(received, key)
        await completed(sync_to_disk, (self._folder / key).parent)

    async def sweep(self, folder: str, older_than_s: float, is_known: Collection[str]) -> int:
        parts = await completed(_remove_parts, self._folder / INCOMING, older_than_s)
        return parts + await super().sweep(folder, older_than_s, is_known)


def s3_artifacts(
    bucket: str,
    *,
    prefix: str = "",
    endpoint: str | None = None,
    region: str = "us-east-1",
    access_key_id: str | None = None,
    secret_access_key: str | None = None,
    retries: int = 5,
    request_s: float = REQUEST_S,
    grace_s: float = GRACE_S,
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
            client_options={
                "allow_http": plain,
                "connect_timeout": timedelta(seconds=CONNECT_S),
                "timeout": timedelta(seconds=request_s),
            },
            retry_config={"max_retries": retries, "retry_timeout": timedelta(seconds=RETRY_S)},
        ),
        grace_s,
    )


def _heard(task: asyncio.Task[None]) -> None:
    """An error that nobody waits for any more is none to the loop."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.warning("an upload that broke off was not removed: %s", error)


def _remove_parts(folder: Path, older_than_s: float) -> int:
    """Uploads that a killed process left half written: obstore names them `…#n` and hides them
    from its own lists."""
    before_s = time.time() - older_than_s
    stale = [path for path in folder.glob("*#*") if path.stat().st_mtime < before_s]
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)

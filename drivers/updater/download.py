"""Gets an artifact over HTTP, and goes on where it was cut, also after a restart.

The part file is the only state. What it holds is never trusted: the digest of the whole decides.
"""

import asyncio
import hashlib
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx2

from domain.kernel.errors import (
    DomainError,
    TimedOut,
    Unauthorized,
    Unavailable,
    UpstreamFailed,
)
from drivers.backoff import BackoffPolicy
from drivers.updater.order import Order

PARTIAL, WHOLE, OUTSIDE = 206, 200, 416
REFUSING: Final = frozenset({401, 403})
GONE: Final = frozenset({404, 410})


class NotThatArtifact(DomainError):
    """What was downloaded is not what was ordered, and trying again would not change it."""


@dataclass(frozen=True, slots=True)
class DownloadPolicy:
    """`attempts` in a row without a single new byte end it; any progress starts them anew.
    `reserve_bytes` stay free on the disk whatever is downloaded."""

    attempts: int = 8
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 20.0
    backoff: BackoffPolicy = field(default_factory=BackoffPolicy)
    reserve_bytes: int = 64 * 1024 * 1024


Headers = Callable[[], Awaitable[dict[str, str]]]


async def no_headers() -> dict[str, str]:
    return {}


class Downloader:
    """`headers` carry the device's token, asked for at each attempt; they go to the origin of the
    order alone, since no redirect is followed."""

    def __init__(
        self, http: httpx2.AsyncClient, policy: DownloadPolicy, headers: Headers = no_headers
    ) -> None:
        self._http = http
        self._policy = policy
        self._headers = headers

    async def fetch(self, order: Order, part: Path) -> None:
        """`part` is the verified artifact when this returns. Raises Unavailable where there is no
        room or no way, NotThatArtifact for other bytes than were ordered."""
        if _size(part):
            # What a power cut left may be of the right length and still be wrong.
            await self._complete(order, part)
            if await _is_right(order, part):
                return
        await self._complete(order, part)
        if not await _is_right(order, part):
            raise NotThatArtifact("The artifact's digest is not the one that was ordered")

    async def _complete(self, order: Order, part: Path) -> None:
        failures = 0
        while (have := _size(part)) < order.size_bytes:
            self._require_room(order, part, have)
            try:
                await self._once(order, part, have)
            except (httpx2.HTTPError, UpstreamFailed) as error:
                failures = 0 if _size(part) > have else failures + 1
                if failures >= self._policy.attempts:
                    raise Unavailable(
                        "The artifact cannot be downloaded", cause=type(error).__name__
                    ) from None
                await asyncio.sleep(self._policy.backoff.delay_s(failures))

    async def _once(self, order: Order, part: Path, have: int) -> None:
        headers = await self._headers() | {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": f'"{order.sha256}"'}
        timeout = httpx2.Timeout(
            self._policy.read_timeout_s, connect=self._policy.connect_timeout_s
        )
        async with self._http.stream("GET", order.url, headers=headers, timeout=timeout) as answer:
            start = _start(answer, have)
            await self._take(answer, order, part, start)

    async def _take(self, answer: httpx2.Response, order: Order, part: Path, start: int) -> None:
        """Never writes more than was ordered, whatever is sent."""
        left = order.size_bytes - start
        with part.open("r+b" if _size(part) else "wb") as file:
            file.truncate(start)
            file.seek(start)
            async for chunk in answer.aiter_raw():
                if len(chunk) > left:
                    raise NotThatArtifact("The artifact is longer than was ordered")
                left -= len(chunk)
                await asyncio.to_thread(file.write, chunk)
            file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())
        if left:
            raise UpstreamFailed("The download was cut")

    def _require_room(self, order: Order, part: Path, have: int) -> None:
        needed = order.size_bytes - have + self._policy.reserve_bytes
        if shutil.disk_usage(part.parent).free < needed:
            raise Unavailable("There is no room for the artifact", needed_bytes=needed)


async def _is_right(order: Order, part: Path) -> bool:
    """Removes what is wrong: what comes next starts from nothing."""
    if await asyncio.to_thread(digest, part) == order.sha256:
        return True
    await asyncio.to_thread(part.unlink)
    return False


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _start(answer: httpx2.Response, have: int) -> int:
    """The offset that the answer's bytes belong to."""
    status = answer.status_code
    if status == WHOLE:
        return 0
    if status == PARTIAL and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
        return have
    if status in REFUSING:
        raise Unauthorized("The factory refuses this device the artifact")
    if status in GONE:
        raise NotThatArtifact("The factory does not have the artifact any more")
    if status in (PARTIAL, OUTSIDE):
        raise NotThatArtifact("The artifact is shorter than was ordered")
    raise UpstreamFailed("The factory did not send the artifact", status=status)


TRANSIENT: Final = (Unavailable, TimedOut, UpstreamFailed)

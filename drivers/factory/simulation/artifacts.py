"""Downloads an artifact in ranges, over cuts, and keeps nothing of it but its digest."""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from domain.kernel.errors import NotFound, Unauthorized, Unavailable, UpstreamFailed
from drivers.backoff import BackoffPolicy
from drivers.updater.download import GONE, PARTIAL, REFUSING, WHOLE, NotThatArtifact
from drivers.updater.order import Order

RANGE_BYTES: Final = 1024 * 1024
ATTEMPTS: Final = 8


@dataclass(slots=True)
class Received:
    """What has come so far, as far as it was whole when it came."""

    digest: Any
    size_bytes: int = 0


class ArtifactReader:
    """`token` goes to the order's address: it must be the factory's own."""

    def __init__(self, http: httpx2.AsyncClient, token: str, backoff: BackoffPolicy) -> None:
        self._http = http
        self._token = token
        self._backoff = backoff

    async def check(self, order: Order) -> None:
        """Returns once all of it has come and its digest is the ordered one. Raises
        NotThatArtifact, Unauthorized, or Unavailable after too many attempts in a row."""
        received, failures = Received(hashlib.sha256()), 0
        while received.size_bytes < order.size_bytes:
            before = received.size_bytes
            try:
                await self._range(order, received)
            except (httpx2.HTTPError, UpstreamFailed) as error:
                failures = failures + 1 if received.size_bytes == before else 1
                if failures >= ATTEMPTS:
                    reason = type(error).__name__
                    raise Unavailable("The artifact cannot be downloaded", cause=reason) from None
                await asyncio.sleep(self._backoff.delay_s(failures))
        if received.size_bytes > order.size_bytes or received.digest.hexdigest() != order.sha256:
            raise NotThatArtifact("The artifact's digest is not the one that was ordered")

    async def _range(self, order: Order, received: Received) -> None:
        start = received.size_bytes
        end = min(start + RANGE_BYTES, order.size_bytes) - 1
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept-Encoding": "identity",
            "Range": f"bytes={start}-{end}",
            "If-Range": f'"{order.sha256}"',
        }
        async with self._http.stream("GET", order.url, headers=headers) as answer:
            _require_part(answer, start)
            async for chunk in answer.aiter_raw():
                received.digest.update(chunk)
                received.size_bytes += len(chunk)
                if received.size_bytes > order.size_bytes:
                    raise NotThatArtifact("The artifact is longer than was ordered")


def _require_part(answer: httpx2.Response, start: int) -> None:
    """A factory may send the whole instead of its beginning, and nothing instead of the rest."""
    status = answer.status_code
    if status == PARTIAL and answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        return
    if status == WHOLE and start == 0:
        return
    if status in REFUSING:
        raise Unauthorized("The factory refuses this device the artifact")
    if status in GONE:
        raise NotFound("Artifact", str(answer.url))
    if status < 500:
        raise NotThatArtifact("The factory has another artifact than was ordered")
    raise UpstreamFailed("The factory did not send the artifact", status=status)

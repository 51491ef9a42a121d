"""A factory as the target of an edge's queue: `POST /api/v1/sync` over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Unpack

from pydantic import ValidationError

from domain.kernel.errors import Unavailable, UpstreamFailed
from domain.sync.ports import Count, Rejection, SyncBatch, SyncReceipt
from drivers.upstream import wire
from drivers.upstream.answers import Peer, nonsense
from drivers.upstream.client import ClientOptions, UpstreamClient
from drivers.upstream.requests import JSON_BODY, bearer, idempotency_key, json_body

FACTORY: Final = Peer("factory", "The factory")
PATH: Final = "/api/v1/sync"
# However long a factory asks an edge to wait, a person who repaired something waits no longer.
LONGEST_PAUSE_S: Final = 300.0
Token = Callable[[], Awaitable[str]]


class HttpFactory(UpstreamClient):
    """`SyncTarget` on one connection pool.

    `identifier` is this edge's at the factory, `token` gives its device JWT, asked for at each
    delivery. While the factory has asked for a pause (429 or 503 with Retry-After), deliveries
    end at once with Unavailable.
    """

    def __init__(
        self,
        factory_url: str,
        identifier: str,
        token: Token,
        *,
        timeout_s: float = 30.0,
        **options: Unpack[ClientOptions],
    ) -> None:
        super().__init__(FACTORY, factory_url, PATH, timeout_s, **options)
        self._identifier = identifier
        self._token = token
        self._paused_until_s = 0.0

    async def push(self, batch: SyncBatch) -> SyncReceipt:
        """Repeatable: by id and by version a second delivery has no further effect."""
        self._check_pause()
        headers = bearer(FACTORY, await self._token()) | JSON_BODY
        headers |= idempotency_key(batch.idempotency_key)
        body = json_body({"deviceId": self._identifier, **wire.emit_sync(batch)}, "batch")
        try:
            data = await self._posts.post(headers, body)
        except UpstreamFailed as refused:
            self._pause(refused.details.get("retry_after_s"))
            raise
        return read_receipt(batch, data)

    def _pause(self, asked_s: float | None) -> None:
        if asked_s is not None:
            now_s = asyncio.get_running_loop().time()
            self._paused_until_s = now_s + min(asked_s, LONGEST_PAUSE_S)

    def _check_pause(self) -> None:
        left_s = self._paused_until_s - asyncio.get_running_loop().time()
        if left_s > 0:
            message = "The factory asked for a pause"
            raise Unavailable(message, upstream=FACTORY.name, retry_after_s=round(left_s, 3))


def read_receipt(batch: SyncBatch, data: object) -> SyncReceipt:
    """Raises UpstreamFailed unless it is for this delivery: rows leave the queue by it. The
    factory counts what it accepted and names what it refused."""
    try:
        body = wire.read(_Receipt, data)
    except (ValidationError, TypeError):
        raise nonsense(FACTORY, 200) from None
    refused = {rejection.id for rejection in body.rejected}
    accepted = tuple(item for item in batch.ids if item not in refused)
    named = len(refused) == len(body.rejected) and refused <= set(batch.ids)
    if not named or body.accepted != len(accepted):
        message = "The factory's receipt is not for this delivery"
        raise UpstreamFailed(message, upstream=FACTORY.name)
    return SyncReceipt(accepted, body.rejected)


@dataclass(frozen=True, slots=True)
class _Receipt:
    accepted: Count
    rejected: tuple[Rejection, ...]

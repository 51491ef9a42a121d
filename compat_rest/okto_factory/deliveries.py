"""What an edge sends, on its way in: a bounded number at a time, unpacked, read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from starlette.requests import Request

from compat_rest.kernel.auth import state_of
from compat_rest.kernel.bodies import whole
from compat_rest.kernel.okto.presenter import Body, data
from domain.kernel.errors import RateLimited
from domain.sync.ports import SyncReceipt
from domain.sync.wire import Delivery, read_delivery

MAX_DELIVERY_BYTES: Final = 16 * 1024 * 1024
"""Ten thousand bottles with the longest codes; the usual ones take a quarter of it."""
MAX_AT_ONCE: Final = 32
"""Deliveries in one process, so at most half a gigabyte of bodies, whoever sends them. Few are
stored at the same time in any case; who is refused keeps its rows and comes back."""
PAUSE_S: Final = 2


class Turnstile:
    """Lets so many in at a time, and the others know when to come back."""

    def __init__(self, places: int) -> None:
        self._free = places

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Raises RateLimited where all places are taken."""
        if self._free == 0:
            raise RateLimited("Too many deliveries at once", retry_after_s=PAUSE_S)
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


def turnstile(request: Request) -> Turnstile:
    """The surface's own, made for its first delivery."""
    state = state_of(request)
    if not hasattr(state, "deliveries"):
        state.deliveries = Turnstile(MAX_AT_ONCE)
    found: Turnstile = state.deliveries
    return found


async def delivery_of(request: Request, idempotency_key: str | None) -> Delivery:
    """Raises ValidationFailed that names the field; 413 and 415 as `whole` does."""
    return await read_delivery(await whole(request, MAX_DELIVERY_BYTES), idempotency_key)


def receipt(found: SyncReceipt) -> Body:
    rejected = [{"id": one.id, "reason": one.reason} for one in found.rejected]
    return data({"accepted": len(found.accepted), "rejected": rejected})

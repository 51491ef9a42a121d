"""Counters of the `limits` library: in this process or, for several, in Redis.

While Redis is away each process counts for itself, and asks it again only every AWAY_S: a Redis
that answers nothing would otherwise hold up each call that is counted.
"""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from limits.aio.storage import RedisStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError

from domain.kernel.clock import SECOND_US, Clock

MAX_COUNTERS: Final = 20_000
AWAY_S: Final = 5.0
ANSWER_S: Final = 1.0

logger = logging.getLogger(__name__)
Found = TypeVar("Found")
Ask = Callable[[FixedWindowRateLimiter], Awaitable[Found]]


class CountersInMemory(Storage):
    """Counters by the platform's clock, at most `MAX_COUNTERS`: the oldest is dropped first."""

    STORAGE_SCHEME = None

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._counters: OrderedDict[str, tuple[int, float]] = OrderedDict()

    @property
    def base_exceptions(self) -> type[Exception]:
        return StorageError

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        count, ends_at_s = self._current(key) or (0, self._now_s() + expiry)
        self._counters[key] = (max(count + amount, 0), ends_at_s)
        if len(self._counters) > MAX_COUNTERS:
            self._counters.popitem(last=False)
        return count + amount

    async def get(self, key: str) -> int:
        return (self._current(key) or (0, 0.0))[0]

    async def get_expiry(self, key: str) -> float:
        return (self._current(key) or (0, self._now_s()))[1]

    async def check(self) -> bool:
        return True

    async def reset(self) -> int:
        count = len(self._counters)
        self._counters.clear()
        return count

    async def clear(self, key: str) -> None:
        self._counters.pop(key, None)

    def _now_s(self) -> float:
        return self._clock.now_us() / SECOND_US

    def _current(self, key: str) -> tuple[int, float] | None:
        found = self._counters.get(key)
        if found is not None and found[1] <= self._now_s():
            del self._counters[key]
            return None
        return found


class Counters:
    """`what` is counted, for the log. Close it. Raises ValueError for a URL that names neither
    this process nor Redis."""

    def __init__(self, url: str, clock: Clock, what: str) -> None:
        self._clock = clock
        self._what = what
        self._pool, shared = _shared_storage(url)
        self.own = FixedWindowRateLimiter(CountersInMemory(clock))
        """Of this process, whatever the others count."""
        self._shared = None if shared is None else FixedWindowRateLimiter(shared)
        self._away_until_us = 0

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()

    async def asked(self, ask: Ask[Found]) -> Found:
        """Of the shared counters, or of this process's own while those are away."""
        if self._shared is not None and self._clock.now_us() >= self._away_until_us:
            try:
                return await ask(self._shared)
            except StorageError as error:
                self._away_until_us = self._clock.now_us() + round(AWAY_S * SECOND_US)
                self._note_absence(error)
        return await ask(self.own)

    def _note_absence(self, error: StorageError) -> None:
        cause = type(error.storage_error).__name__
        logger.warning(
            "counters of %s not reachable, this process counts alone: %s", self._what, cause
        )


def _shared_storage(url: str) -> tuple[Any, Storage | None]:
    if url.startswith("memory:"):
        return None, None
    if not url.startswith(("redis://", "rediss://")):
        raise ValueError("counters live in memory:// or redis://")
    # Slow to import, and most installations have no Redis.
    from redis.asyncio import ConnectionPool
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import ConnectionError as LinkBroken

    # A call must not wait for the library's patience, seconds of it, with a Redis that is away;
    # once more only where a connection from before its restart was still in the pool.
    pool: Any = ConnectionPool.from_url(
        url,
        socket_timeout=ANSWER_S,
        socket_connect_timeout=ANSWER_S,
        retry=Retry(NoBackoff(), 1, supported_errors=(LinkBroken,)),
    )
    storage = RedisStorage(
        f"async+{url}", wrap_exceptions=True, implementation="redispy", connection_pool=pool
    )
    return pool, storage

"""The brake on guessing passwords: fixed windows of the `limits` library.

Every attempt counts when it begins and is given back when it was no failure, so a hundred
attempts at once get no further than a hundred in a row. Counters live in this process or, for
several, in Redis; while Redis is away each process counts for itself, and asks it again only
every AWAY_S: a Redis that answers nothing would otherwise hold up each step of each login.
"""

import logging
import math
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import RedisStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LinkBroken

from domain.kernel.clock import SECOND_US, Clock
from domain.kernel.errors import RateLimited, Unauthorized

MAX_COUNTERS: Final = 20_000
AWAY_S: Final = 5.0
ANSWER_S: Final = 1.0

logger = logging.getLogger(__name__)
Found = TypeVar("Found")
Counters = list[tuple[RateLimitItem, str]]


@dataclass(frozen=True, slots=True)
class ThrottleSettings:
    """Failures in a window, by username and by client address, and how many of them may be
    written down: one a minute for each username, `reports` a minute in all. A whole site may
    share one address, hence the larger number."""

    enabled: bool = True
    storage_url: str = "memory://"
    window_s: int = 60
    per_username: int = 10
    per_address: int = 100
    reports: int = 30


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


class Throttle:
    """A `LoginThrottle`."""

    def __init__(self, settings: ThrottleSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._pool, shared = _shared_storage(settings.storage_url)
        self._local = FixedWindowRateLimiter(CountersInMemory(clock))
        self._shared = None if shared is None else FixedWindowRateLimiter(shared)
        self._away_until_us = 0
        window_s = settings.window_s
        self._by_username = RateLimitItemPerSecond(settings.per_username, window_s, "login-user")
        self._by_address = RateLimitItemPerSecond(settings.per_address, window_s, "login-address")
        self._report_user = RateLimitItemPerSecond(1, 60, "login-report-user")
        self._report_all = RateLimitItemPerSecond(settings.reports, 60, "login-report")

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()

    @asynccontextmanager
    async def attempt(self, username: str, address: str) -> AsyncIterator[None]:
        counters = self._counters(username, address)
        async with self._entered(counters):
            yield
        if self._settings.enabled:
            await self._give_back(counters[1:])
            await self._forget(*counters[0])

    @asynccontextmanager
    async def attempt_by_program(self, address: str) -> AsyncIterator[None]:
        counters: Counters = [(self._by_address, address)] if address else []
        async with self._entered(counters):
            yield
        if self._settings.enabled:
            await self._give_back(counters)

    @asynccontextmanager
    async def _entered(self, counters: Counters) -> AsyncIterator[None]:
        """Gives nothing back where all went well."""
        if not self._settings.enabled:
            yield
            return
        await self._enter(counters)
        try:
            yield
        except Unauthorized:
            raise
        except Exception:
            await self._give_back(counters)
            raise

    async def worth_reporting(self, username: str) -> bool:
        if not self._settings.enabled:
            return True
        return await self._hit(self._report_user, username.casefold()) and await self._hit(
            self._report_all, "all"
        )

    def _counters(self, username: str, address: str) -> Counters:
        """The username's first. A face without an address (a socket file) has only that."""
        by_username = (self._by_username, username.casefold())
        return [by_username, (self._by_address, address)] if address else [by_username]

    async def _enter(self, counters: Counters) -> None:
        for position, (item, key) in enumerate(counters):
            if not await self._hit(item, key):
                # What was refused was no attempt at those before it.
                await self._give_back(counters[:position])
                raise RateLimited(
                    "Too many failed logins", retry_after_s=await self._retry_after_s(item, key)
                )

    async def _give_back(self, counters: Counters) -> None:
        for item, key in counters:
            await self._hit(item, key, cost=-1)

    async def _hit(self, item: RateLimitItem, key: str, cost: int = 1) -> bool:
        return await self._asked(lambda limiter: limiter.hit(item, key, cost=cost))

    async def _forget(self, item: RateLimitItem, key: str) -> None:
        await self._asked(lambda limiter: limiter.clear(item, key))
        await self._local.clear(item, key)

    async def _retry_after_s(self, item: RateLimitItem, key: str) -> int:
        stats = await self._asked(lambda limiter: limiter.get_window_stats(item, key))
        return max(1, math.ceil(stats.reset_time - self._clock.now_us() / SECOND_US))

    async def _asked(self, ask: Callable[[FixedWindowRateLimiter], Awaitable[Found]]) -> Found:
        """Of the shared counters, or of this process's own while those are away."""
        if self._shared is not None and self._clock.now_us() >= self._away_until_us:
            try:
                return await ask(self._shared)
            except StorageError as error:
                self._away_until_us = self._clock.now_us() + round(AWAY_S * SECOND_US)
                _note_absence(error)
        return await ask(self._local)


def _shared_storage(url: str) -> tuple[Any, Storage | None]:
    """Raises ValueError for a URL that names neither this process nor Redis."""
    if url.startswith("memory:"):
        return None, None
    if not url.startswith(("redis://", "rediss://")):
        raise ValueError("counters of logins live in memory:// or redis://")
    # A login must not wait for the library's patience, seconds of it, with a Redis that is away;
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


def _note_absence(error: StorageError) -> None:
    cause = type(error.storage_error).__name__
    logger.warning("counters of logins not reachable, this process counts alone: %s", cause)

"""The brake on guessing passwords: fixed windows of the `limits` library.

Every attempt counts when it begins and is given back when it was no failure, so a hundred
attempts at once get no further than a hundred in a row. Counters live in this process or, for
several, in Redis, see `drivers.counters`.
"""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerSecond

from domain.kernel.clock import SECOND_US, Clock
from domain.kernel.errors import RateLimited, Unauthorized
from drivers.counters import Counters

Hits = list[tuple[RateLimitItem, str]]


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


class Throttle:
    """A `LoginThrottle`."""

    def __init__(self, settings: ThrottleSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._counts = Counters(settings.storage_url, clock, "logins")
        window_s = settings.window_s
        self._by_username = RateLimitItemPerSecond(settings.per_username, window_s, "login-user")
        self._by_address = RateLimitItemPerSecond(settings.per_address, window_s, "login-address")
        self._report_user = RateLimitItemPerSecond(1, 60, "login-report-user")
        self._report_all = RateLimitItemPerSecond(settings.reports, 60, "login-report")

    async def close(self) -> None:
        await self._counts.close()

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
        counters: Hits = [(self._by_address, address)] if address else []
        async with self._entered(counters):
            yield
        if self._settings.enabled:
            await self._give_back(counters)

    @asynccontextmanager
    async def _entered(self, counters: Hits) -> AsyncIterator[None]:
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

    def _counters(self, username: str, address: str) -> Hits:
        """The username's first. A face without an address (a socket file) has only that."""
        by_username = (self._by_username, username.casefold())
        return [by_username, (self._by_address, address)] if address else [by_username]

    async def _enter(self, counters: Hits) -> None:
        for position, (item, key) in enumerate(counters):
            if not await self._hit(item, key):
                # What was refused was no attempt at those before it.
                await self._give_back(counters[:position])
                raise RateLimited(
                    "Too many failed logins", retry_after_s=await self._retry_after_s(item, key)
                )

    async def _give_back(self, counters: Hits) -> None:
        for item, key in counters:
            await self._hit(item, key, cost=-1)

    async def _hit(self, item: RateLimitItem, key: str, cost: int = 1) -> bool:
        return await self._counts.asked(lambda limiter: limiter.hit(item, key, cost=cost))

    async def _forget(self, item: RateLimitItem, key: str) -> None:
        await self._counts.asked(lambda limiter: limiter.clear(item, key))
        await self._counts.own.clear(item, key)

    async def _retry_after_s(self, item: RateLimitItem, key: str) -> int:
        stats = await self._counts.asked(lambda limiter: limiter.get_window_stats(item, key))
        return max(1, math.ceil(stats.reset_time - self._clock.now_us() / SECOND_US))

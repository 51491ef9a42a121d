"""How many calls somebody may make in a window, counted by all processes together."""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from limits import RateLimitItemPerSecond
from limits.aio.strategies import FixedWindowRateLimiter

from domain.kernel.clock import SECOND_US, Clock
from drivers.counters import Counters

MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True)
class Rate:
    """`limit` calls in a window of `window_s`, which begins with the first of them. `name` keeps
    what is counted apart."""

    name: str
    limit: int
    window_s: int = MINUTE_S


class Standing(NamedTuple):
    """How a caller stands after a call. `resets_at_s` is when its window ends, in UNIX seconds."""

    limit: int
    remaining: int
    resets_at_s: int
    retry_after_s: int | None
    """None for a call that was within the limit."""


class Rates:
    """Close it. Raises ValueError as `Counters` does."""

    def __init__(self, url: str, clock: Clock, *, enabled: bool = True) -> None:
        self._clock = clock
        self._enabled = enabled
        self._counters = Counters(url, clock, "calls")

    async def close(self) -> None:
        await self._counters.close()

    async def hit(self, rate: Rate, key: str) -> Standing | None:
        """Counts a call of whom `key` stands for. None where nothing is limited."""
        if not self._enabled:
            return None
        item = RateLimitItemPerSecond(rate.limit, rate.window_s, rate.name)

        async def ask(limiter: FixedWindowRateLimiter) -> tuple[int, float]:
            name = item.key_for(key)
            count = await limiter.storage.incr(name, item.get_expiry())
            return count, await limiter.storage.get_expiry(name)

        return self._standing(rate, *await self._counters.asked(ask))

    def _standing(self, rate: Rate, count: int, ends_at_s: float) -> Standing:
        now_s = self._clock.now_us() / SECOND_US
        if not now_s < ends_at_s <= now_s + rate.window_s:
            # A counter that ended between the two questions; Redis goes by a clock of its own.
            ends_at_s = now_s + rate.window_s
        return Standing(
            limit=rate.limit,
            remaining=max(0, rate.limit - count),
            resets_at_s=math.ceil(ends_at_s),
            retry_after_s=math.ceil(ends_at_s - now_s) if count > rate.limit else None,
        )

"""Streams of a figure that is worked out anew every so often: once for all who follow it.

Beside the streams of the log: a figure has no cursor and nothing to replay. Who is slow misses
values and gets the newest, so that nothing queues up.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from contextvars import Context
from typing import Any, Generic, TypeVar

from domain.kernel.errors import Stopping

Value = TypeVar("Value")
Compute = Callable[[], Awaitable[Value]]


class Periodic:
    """All such streams of one process. Belongs to one loop."""

    def __init__(self) -> None:
        self._tickers: dict[Hashable, _Ticker[Any]] = {}
        self._closed = False

    @property
    def followers(self) -> int:
        return sum(ticker.followers for ticker in self._tickers.values())

    @property
    def computations(self) -> int:
        """How many figures are worked out, whoever many follow them."""
        return len(self._tickers)

    async def follow(
        self, key: Hashable, interval_s: float, compute: Compute[Value]
    ) -> AsyncGenerator[Value, None]:
        """The figure now, then every `interval_s`. All with one key and interval share what the
        first one's `compute` finds, so a key must hold whose figure it is. Raises what `compute`
        raises, and Stopping at the end of the process."""
        if self._closed:
            raise Stopping
        place = (key, interval_s)
        ticker: _Ticker[Value] = self._ticker(place, interval_s, compute)
        ticker.followers += 1
        try:
            seen = 0
            while True:
                seen, value = await ticker.after(seen)
                yield value
        finally:
            ticker.followers -= 1
            if ticker.followers == 0:
                ticker.task.cancel()
            if self._tickers.get(place) is ticker and (ticker.followers == 0 or ticker.ended):
                del self._tickers[place]

    def _ticker(self, place: Hashable, interval_s: float, compute: Compute[Any]) -> "_Ticker[Any]":
        known = self._tickers.get(place)
        if known is None or known.ended is not None:
            known = self._tickers[place] = _Ticker(interval_s, compute)
        return known

    async def close(self) -> None:
        """Every stream ends by Stopping; new ones are refused."""
        self._closed = True
        tickers = list(self._tickers.values())
        for ticker in tickers:
            ticker.end(Stopping())
        await asyncio.gather(*(ticker.task for ticker in tickers), return_exceptions=True)


class _Ticker(Generic[Value]):
    """One figure. `seq` counts the values it has had."""

    def __init__(self, interval_s: float, compute: Compute[Value]) -> None:
        self.followers = 0
        self.ended: Exception | None = None
        self._interval_s = interval_s
        self._compute = compute
        self._seq = 0
        self._values: list[Value] = []
        self._news = asyncio.Event()
        # An empty context: what the first follower bound for its logs is not the others'.
        self.task = asyncio.get_running_loop().create_task(
            self._run(), name="periodic", context=Context()
        )

    async def after(self, seen: int) -> tuple[int, Value]:
        """The newest value, once there is a newer one than number `seen`."""
        while self._seq == seen:
            if self.ended is not None:
                raise self.ended
            await self._news.wait()
        return self._seq, self._values[0]

    def end(self, error: Exception) -> None:
        self.ended = self.ended or error
        self._news.set()
        self.task.cancel()

    async def _run(self) -> None:
        try:
            while True:
                self._values = [await self._compute()]
                self._seq += 1
                self._tell()
                await asyncio.sleep(self._interval_s)
        except Exception as error:  # noqa: BLE001 - told to every follower
            self.end(error)

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

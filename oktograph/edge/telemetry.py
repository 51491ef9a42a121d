"""What an edge measures of itself for its factory, also while the link is down."""

import asyncio
import resource
import sys
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import structlog

from domain.fleet import metrics
from domain.fleet.protocol import Point
from domain.kernel.clock import Clock
from domain.kernel.errors import DomainError

logger = structlog.get_logger(__name__)
KEPT_POINTS: Final = 5_000
SENT_AT_ONCE: Final = 500
READ: Final = ("accepted", "duplicate", "refused")


class TakesTelemetry(Protocol):
    def send_telemetry(self, points: Sequence[Point]) -> bool: ...


class EdgeTelemetry:
    """`committed` counts scans by verdict since the process began; `queue_size` asks for what
    waits. `link` is set once there is one. `interval_s` may be changed while it runs."""

    def __init__(
        self,
        clock: Clock,
        committed: Counter[str],
        queue_size: Callable[[], Awaitable[int]],
        interval_s: float,
    ) -> None:
        self.link: TakesTelemetry | None = None
        self._clock = clock
        self._committed = committed
        self._queue_size = queue_size
        self._interval_s = interval_s
        self._changed = asyncio.Event()
        self._points: deque[Point] = deque(maxlen=KEPT_POINTS)
        self._last = _Reading.now(committed)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._pause()
            try:
                await self.measure()
            except DomainError as error:
                logger.warning("not measured", cause=error.message)
            self.send()

    def every(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._changed.set()

    async def measure(self) -> None:
        """Since the last time; the points wait until there is a link."""
        reading, last = _Reading.now(self._committed), self._last
        values = reading.since(last) | {metrics.QUEUE_SIZE: float(await self._queue_size())}
        self._last = reading
        now_us = self._clock.now_us()
        self._points.extend(
            Point(metric=name, value=value, measured_at_us=now_us)
            for name, value in sorted(values.items())
        )

    def send(self) -> None:
        """The oldest first, as far as the link takes them."""
        while self._points and self.link is not None:
            page = [self._points[at] for at in range(min(SENT_AT_ONCE, len(self._points)))]
            if not self.link.send_telemetry(page):
                return
            for _ in page:
                self._points.popleft()

    async def _pause(self) -> None:
        """A new interval begins at once."""
        while True:
            try:
                async with asyncio.timeout(self._interval_s):
                    await self._changed.wait()
            except TimeoutError:
                return
            self._changed.clear()


class _Reading:
    """Counters at one moment."""

    def __init__(self, at_s: float, cpu_s: float, scans: Counter[str]) -> None:
        self._at_s = at_s
        self._cpu_s = cpu_s
        self._scans = scans

    @classmethod
    def now(cls, committed: Counter[str]) -> "_Reading":
        return cls(time.monotonic(), time.process_time(), Counter(committed))

    def since(self, last: "_Reading") -> dict[str, float]:
        passed_s = max(self._at_s - last._at_s, 1e-3)
        scans = sum(self._scans[name] - last._scans[name] for name in READ)
        rejects = self._scans["refused"] - last._scans["refused"]
        return {
            metrics.SCANS: scans,
            metrics.REJECTS: rejects,
            metrics.SCANS_PER_MINUTE: round(scans * 60 / passed_s, 2),
            metrics.REJECT_RATE: round(rejects * 100 / scans, 2) if scans else 0.0,
            metrics.CPU: round((self._cpu_s - last._cpu_s) * 100 / passed_s, 2),
            metrics.MEMORY: float(peak_memory_bytes()),
        }


def peak_memory_bytes() -> int:
    """The most that this process has held so far: the system keeps it, no file need be read."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

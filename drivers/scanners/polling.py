"""Scanners that speak only when asked: a counter tells that there is a new code to fetch."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import structlog

from domain.kernel.clock import Clock
from drivers.link import Link, PeerLost
from drivers.scanners.decoding import FrameDecoder
from drivers.scanners.intake import Intake
from drivers.scanners.port import OnReading, Reading, ScannerConfig, ScannerCounters
from drivers.scanners.profiles import FrameProfile

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# A counter that never stands still while it is looked at is no counter.
MOST_LOOKS = 100


@dataclass(frozen=True, slots=True)
class Result:
    """What a scanner shows: `counter` of so many `bits`, and the code that it was moved for."""

    counter: int
    bits: int
    data: bytes


class ResultSource(Protocol):
    """A scanner, reached. Its methods raise TimeoutError, PeerLost or OSError: it is then lost."""

    @property
    def peer(self) -> str:
        """For people."""

    @property
    def waits(self) -> bool:
        """Whether the scanner shows its next code only when this one is acknowledged."""

    async def look(self) -> Result | None:
        """Nothing where it changed while it was looked at."""

    async def acknowledged(self) -> int | None:
        """The counter that was acknowledged last; nothing where that cannot be told."""

    async def acknowledge(self, counter: int) -> None:
        """Returns once the scanner has it."""


OpenResults = Callable[[], AbstractAsyncContextManager[ResultSource]]


def moved(last: int, result: Result) -> int:
    """By how much, through the counter's end; negative where it went back, as after a restart."""
    whole = 1 << result.bits
    step = (result.counter - last) % whole
    return step - whole if step > whole // 2 else step


class PolledScanner:
    """The ScannerPort on results.

    The first result it ever sees is old, unless the scanner waits for its acknowledgement. From
    then on every move by 1 is one reading, also one that was made while the link was down. A jump
    is counted with the codes that were passed over. `last` outlives the link, not the driver.
    """

    def __init__(
        self,
        config: ScannerConfig,
        on_reading: OnReading,
        open_results: OpenResults,
        interval_s: float,
        clock: Clock,
    ) -> None:
        self.config = config
        self._on_reading = on_reading
        self._open_results = open_results
        self._interval_s = interval_s
        self._clock = clock
        self._decoder = FrameDecoder(config.framing)
        self._counters = ScannerCounters()
        self._jumps = 0
        self._missed = 0
        self._jumping = False
        self._last: int | None = None
        self._due: int | None = None

    async def run(self, link: Link) -> None:
        handling = _Handling(self._on_reading)
        async with (
            Intake(self.config, handling, self._counters) as intake,
            self._open_results() as source,
        ):
            await self._begin(await self._look(source), source)
            await link.connected(source.peer)
            await self._poll(source, _Way(link, intake, handling))

    async def aclose(self) -> None:
        """Nothing outlives a link but the counter."""

    def counters(self) -> Mapping[str, int]:
        """`jumps`: moves of the counter by other than 1; `missed`: codes that were passed over."""
        return {**self._counters.by_name(), "jumps": self._jumps, "missed": self._missed}

    async def _begin(self, result: Result, source: ResultSource) -> None:
        if self._last is not None:
            return
        self._last = result.counter
        if not source.waits:
            return
        acknowledged = await source.acknowledged()
        # A counter of 0 is a scanner that has read nothing yet.
        if acknowledged is not None and result.counter not in (acknowledged, 0):
            self._last = (result.counter - 1) % (1 << result.bits)

    async def _poll(self, source: ResultSource, way: "_Way") -> None:
        now_s = asyncio.get_running_loop().time
        due_at_s = now_s()
        while True:
            await self._take(await self._look(source), way)
            if source.waits and self._due is not None:
                await way.handling.settled.wait()
                await source.acknowledge(self._due)
                self._due = None
            # A round that came late does not make the next ones hurry.
            due_at_s = max(due_at_s + self._interval_s, now_s())
            await asyncio.sleep(due_at_s - now_s())

    async def _look(self, source: ResultSource) -> Result:
        for _ in range(MOST_LOOKS):
            result = await source.look()
            if result is not None:
                return result
        raise PeerLost("the counter does not stand still")

    async def _take(self, result: Result, way: "_Way") -> None:
        at_us, last = self._clock.now_us(), self._last
        step = moved(result.counter if last is None else last, result)
        if step == 0:
            return
        self._last = self._due = result.counter
        self._note(step)
        if step < 0 and result.counter == 0:
            return  # it was switched on anew and has read nothing yet
        for reading in self._readings(result.data, at_us):
            way.link.reading(at_us)
            way.handling.expect()
            await way.intake.offer(reading)

    def _note(self, step: int) -> None:
        """One log line for a row of jumps."""
        jumped = step != 1
        self._jumps += jumped
        self._missed += max(step - 1, 0)
        if jumped and not self._jumping:
            log.warning("scanner_counter_jumped", scanner=self.config.name, by=step)
        self._jumping = jumped

    def _readings(self, data: bytes, at_us: int) -> list[Reading]:
        codes = self._decoder.decode(bare(self.config.framing, data))
        self._counters.control += not codes
        return [
            Reading(self.config.index, c.text, c.raw, at_us, c.no_read, c.aim_id) for c in codes
        ]


class _Handling:
    """The readings of one link that are being handled; `settled` while there are none."""

    def __init__(self, on_reading: OnReading) -> None:
        self.settled = asyncio.Event()
        self.settled.set()
        self._on_reading = on_reading
        self._open = 0

    def expect(self) -> None:
        self._open += 1
        self.settled.clear()

    async def __call__(self, reading: Reading) -> bool | None:
        try:
            return await self._on_reading(reading)
        finally:
            self._open -= 1
            if self._open == 0:
                self.settled.set()


@dataclass(frozen=True, slots=True)
class _Way:
    """What one link's readings go through."""

    link: Link
    intake: Intake
    handling: _Handling


def bare(profile: FrameProfile, data: bytes) -> bytes:
    """Without the start and the end that the scanner may have been told to send with each code."""
    data = data.removeprefix(profile.start)
    for end in sorted(profile.ends, key=len, reverse=True):
        if data.endswith(end):
            return data[: -len(end)]
    return data

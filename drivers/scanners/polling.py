"""Scanners that speak only when asked: a counter tells that there is a new code to fetch."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import structlog

from domain.kernel.clock import Clock
from drivers.link import Link, PeerLost
from drivers.racing import first_end
from drivers.scanners.decoding import FrameDecoder
from drivers.scanners.intake import Intake
from drivers.scanners.port import OnReading, Reading, ScannerConfig, ScannerCounters
from drivers.scanners.profiles import FrameProfile

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# A counter that is never the same before and after the code is no counter.
MOST_LOOKS = 100


@dataclass(frozen=True, slots=True)
class Result:
    """What a scanner shows: a counter of so many `bits`, and the code that it was moved for;
    no `data` where the code is longer than there is room."""

    counter: int
    bits: int
    data: bytes | None


@dataclass(frozen=True, slots=True)
class Step:
    """`new`: the code that is shown has not been read; `missed` others are gone."""

    new: bool
    missed: int = 0
    restarted: bool = False


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

    async def acknowledged(self) -> int:
        """The counter that was acknowledged last."""

    async def acknowledge(self, counter: int) -> None:
        """Returns once the scanner has it."""

    async def until_lost(self) -> None:
        """Raises PeerLost when the link ends between two looks."""


OpenResults = Callable[[], AbstractAsyncContextManager[ResultSource]]


def step(last: int, result: Result) -> Step:
    """From one sight of the counter to the next, through its end. Half a round and more is no
    number of codes: the scanner has started anew and counts from 0."""
    whole = 1 << result.bits
    codes = (result.counter - last) % whole
    if codes >= whole // 2:
        return Step(result.counter > 0, max(0, result.counter - 1), restarted=True)
    return Step(codes > 0, max(0, codes - 1))


class PolledScanner:
    """The ScannerPort on results.

    The counter that was seen last outlives a link: what was read while it was lost is fetched, or
    counted as missed. What is shown when the driver is new is old, unless the scanner waits for
    its acknowledgement; a code is acknowledged once it has been handled.
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
        self._missed = 0
        self._restarts = 0
        self._missing = False
        self._last: int | None = None
        # Fetched, and not yet given away: the end of a link must not cost a code.
        self._unoffered: deque[tuple[Reading, _Code]] = deque()
        self._acknowledgements = _Acknowledgements()

    async def run(self, link: Link) -> None:
        handling = _Handling(self._on_reading, self._acknowledgements)
        async with (
            Intake(self.config, handling, self._counters) as intake,
            self._open_results() as source,
        ):
            await self._begin(source)
            await link.connected(source.peer)
            await first_end(
                self._poll(source, _Way(link, intake, handling)),
                self._acknowledgements.send_on(source),
                source.until_lost(),
            )

    async def aclose(self) -> None:
        """Nothing outlives a link but the counter."""

    def counters(self) -> Mapping[str, int]:
        """`missed` codes were replaced before they could be fetched; `restarts` of the scanner."""
        own = {"missed": self._missed, "restarts": self._restarts}
        return {**self._counters.by_name(), **own}

    async def _begin(self, source: ResultSource) -> None:
        result = await _seen(source)
        if self._last is not None:
            return
        self._last = result.counter
        # A counter of 0 is a scanner that has read nothing yet.
        if source.waits and await source.acknowledged() != result.counter != 0:
            self._last = (result.counter - 1) % (1 << result.bits)

    async def _poll(self, source: ResultSource, way: "_Way") -> None:
        now_s = asyncio.get_running_loop().time
        next_at_s = now_s()
        while True:
            self._take(await _seen(source), way.link)
            await self._offer(way)
            # A round that came late does not make the next ones hurry.
            next_at_s = max(next_at_s + self._interval_s, now_s())
            await asyncio.sleep(next_at_s - now_s())

    def _take(self, result: Result, link: Link) -> None:
        moved = step(self._last or 0, result)
        if result.counter == self._last:
            return
        self._last = result.counter
        self._note(moved)
        readings = self._readings(result.data) if moved.new else []
        for reading in readings:
            link.reading(reading.received_at_us)
        code = _Code(result.counter, len(readings))
        self._unoffered.extend((reading, code) for reading in readings)
        if not readings:
            self._acknowledgements.add(code.counter)

    def _note(self, moved: Step) -> None:
        """One log line for a row of codes that were not fetched in time."""
        self._missed += moved.missed
        self._restarts += moved.restarted
        if moved.missed and not self._missing:
            log.warning("scanner_codes_missed", scanner=self.config.name, count=moved.missed)
        self._missing = moved.missed > 0

    def _readings(self, data: bytes | None) -> list[Reading]:
        if data is None:
            self._counters.overlong += 1
            return []
        at_us, index = self._clock.now_us(), self.config.index
        codes = self._decoder.decode(bare(self.config.framing, data))
        self._counters.control += not codes
        return [Reading(index, c.text, c.raw, at_us, c.no_read, c.aim_id) for c in codes]

    async def _offer(self, way: "_Way") -> None:
        while self._unoffered:
            reading, code = self._unoffered[0]
            with way.handling.offering(code):
                await way.intake.offer(reading)
            self._unoffered.popleft()


@dataclass(slots=True)
class _Code:
    """One code, of which so many readings have yet to be handled."""

    counter: int
    open: int


class _Acknowledgements:
    """The last counter whose code was handled, sent once more over each new link: the last time
    may have been lost with the one before."""

    def __init__(self) -> None:
        self._handled: int | None = None
        self._is_handled = asyncio.Event()

    def add(self, counter: int) -> None:
        self._handled = counter
        self._is_handled.set()

    async def send_on(self, source: ResultSource) -> None:
        while True:
            self._is_handled.clear()
            if source.waits and self._handled is not None:
                await source.acknowledge(self._handled)
            await self._is_handled.wait()


class _Handling:
    """What one link's Intake calls, in the order of the offers."""

    def __init__(self, on_reading: OnReading, acknowledgements: _Acknowledgements) -> None:
        self._on_reading = on_reading
        self._acknowledgements = acknowledgements
        self._offered: deque[_Code] = deque()

    def offering(self, code: _Code) -> "_Offer":
        return _Offer(self._offered, code)

    async def __call__(self, reading: Reading) -> bool | None:
        code = self._offered.popleft()
        try:
            return await self._on_reading(reading)
        finally:
            code.open -= 1
            if code.open == 0:
                self._acknowledgements.add(code.counter)


class _Offer:
    """Takes the code back where the offer is not taken."""

    def __init__(self, offered: deque[_Code], code: _Code) -> None:
        self._offered = offered
        self._code = code

    def __enter__(self) -> None:
        self._offered.append(self._code)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._offered.pop()


@dataclass(frozen=True, slots=True)
class _Way:
    """What one link's readings go through."""

    link: Link
    intake: Intake
    handling: _Handling


async def _seen(source: ResultSource) -> Result:
    for _ in range(MOST_LOOKS):
        result = await source.look()
        if result is not None:
            return result
    raise PeerLost("the counter does not stand still")


def bare(profile: FrameProfile, data: bytes) -> bytes:
    """Without the start and the end that the scanner may have been told to send with each code."""
    data = data.removeprefix(profile.start)
    for end in sorted(profile.ends, key=len, reverse=True):
        if data.endswith(end):
            return data[: -len(end)]
    return data

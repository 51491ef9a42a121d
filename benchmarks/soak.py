"""Days of codes through ten simulated scanners as fast as the edge answers: is any lost, does
memory grow? `--size 2000000` is a day of a fast line; less shows less of a slow leak."""

import asyncio
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression
from typing import Final

import uvloop

from benchmarks.edge import Edge
from benchmarks.figures import Figure, Plan, Progress, median
from benchmarks.line import (
    BAD,
    GOOD,
    SCANNERS,
    SimulatedLine,
    ask,
    cut_short,
    edge_on,
    fresh_codes,
)

NAME: Final = "soak"
CODES: Final = 200_000
QUICK_CODES: Final = 40_000
WINDOW: Final = 64
"""How many codes a scanner sends ahead of their verdicts."""
UNREADABLE_EVERY: Final = 100
SAMPLES: Final = 40
LOOK_EVERY_S: Final = 0.1
STUCK_S: Final = 60.0
MILLION: Final = 1e6
STORED: Final = (
    "SELECT (SELECT count(*) FROM scan), (SELECT count(*) FROM bottle), "
    "(SELECT count(*) FROM journal_event WHERE category = 'PRODUCTION')"
)


class Belt:
    """What one scanner reads: a good code each time but now and then."""

    def __init__(self, number: int, count: int) -> None:
        self.verdicts: Counter[bytes] = Counter()
        self._count = count
        self._free = asyncio.Semaphore(WINDOW)
        self._fresh = fresh_codes(number)

    async def codes(self) -> AsyncIterator[str]:
        for at in range(self._count):
            await self._free.acquire()
            code = next(self._fresh)
            yield code if at % UNREADABLE_EVERY else cut_short(code)

    def answered(self, data: bytes) -> None:
        for verdict in (GOOD, BAD):
            self.verdicts[verdict] += data.count(verdict)
        for _ in data:
            self._free.release()


@dataclass(frozen=True, slots=True)
class Sample:
    """Of the edge, after collecting garbage."""

    codes: int
    at_s: float
    cpu_s: float
    memory_mb: float


def run(plan: Plan, progress: Progress) -> list[Figure]:
    count = plan.bottles(CODES, QUICK_CODES) // SCANNERS
    return uvloop.run(_run(count, progress))


async def _run(count: int, progress: Progress) -> list[Figure]:
    belts = [Belt(number, count) for number in range(SCANNERS)]
    line = SimulatedLine([belt.codes() for belt in belts])
    for scanner, belt in zip(line.scanners, belts, strict=True):
        scanner.listen(belt.answered)
    async with line, edge_on(line) as edge:
        samples = await _watched(edge, belts, count * SCANNERS, progress)
        sent = sum(scanner.sent_count for scanner in line.scanners)
        return _figures(samples, sent, belts, await _stored(edge, belts))


async def _watched(
    edge: Edge, belts: Sequence[Belt], count: int, progress: Progress
) -> list[Sample]:
    """Until all are answered. Raises RuntimeError where nothing moves any more."""
    samples, moved_s, before = [await _sample(edge, belts)], time.monotonic(), 0
    while (answered := _answered(belts)) < count:
        await asyncio.sleep(LOOK_EVERY_S)
        if answered != before:
            moved_s, before = time.monotonic(), answered
        elif time.monotonic() - moved_s > STUCK_S:
            raise RuntimeError(f"{count - answered} codes have no verdict")
        if answered - samples[-1].codes >= count / SAMPLES:
            samples.append(await _sample(edge, belts))
            memory_mb = samples[-1].memory_mb
            progress.stage(f"soak: {answered:,} of {count:,} codes, {memory_mb:.0f} MB")
    return [*samples, await _sample(edge, belts)]


async def _sample(edge: Edge, belts: Sequence[Belt]) -> Sample:
    edge.child.process.send_signal(signal.SIGUSR1)
    await ask(edge, edge.graphql("{ __typename }"))  # its loop has been there
    child = edge.child
    return Sample(_answered(belts), time.monotonic(), child.cpu_s(), child.own_memory_mb())


def _answered(belts: Sequence[Belt]) -> int:
    return sum(belt.verdicts.total() for belt in belts)


async def _stored(edge: Edge, belts: Sequence[Belt]) -> tuple[int, int, int]:
    """(scans, bottles, rejects in the journal), which is written behind the line."""
    rejected = sum(belt.verdicts[BAD] for belt in belts)
    ends_s = time.monotonic() + STUCK_S
    while True:
        found = await asyncio.to_thread(_counted, edge.database)
        if found[2] >= rejected or time.monotonic() > ends_s:
            return found
        await asyncio.sleep(LOOK_EVERY_S)


def _counted(path: Path) -> tuple[int, int, int]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        scans, bottles, told = database.execute(STORED).fetchone()
        return scans, bottles, told


def _figures(
    samples: Sequence[Sample], sent: int, belts: Sequence[Belt], stored: tuple[int, int, int]
) -> list[Figure]:
    good = sum(belt.verdicts[GOOD] for belt in belts)
    bad = sum(belt.verdicts[BAD] for belt in belts)
    scans, bottles, told = stored
    took_s = samples[-1].at_s - samples[0].at_s
    used_s = samples[-1].cpu_s - samples[0].cpu_s
    second = [one for one in samples if one.codes >= sent / 2]
    half = len(second) // 2
    early, late = (
        median([one.memory_mb for one in part]) for part in (second[:half], second[half:])
    )
    slope, _ = linear_regression(
        [one.codes / MILLION for one in second], [one.memory_mb for one in second]
    )
    return [
        Figure(NAME, "memory, last quarter / third", late / early, "x", 1.05, at_most=True),
        Figure(NAME, "codes sent", sent, "codes"),
        Figure(NAME, "codes without a scan", sent - scans, "codes", 0, at_most=True),
        Figure(NAME, "good codes without a bottle", good - bottles, "codes", 0, at_most=True),
        Figure(
            NAME, "rejects that the journal does not tell", bad - told, "codes", 0, at_most=True
        ),
        Figure(NAME, "codes through the line", sent / took_s, "/s"),
        Figure(NAME, "edge's CPU a code", used_s / sent * MILLION, "us"),
        Figure(NAME, "memory before", samples[0].memory_mb, "MB"),
        Figure(NAME, "memory half way", second[0].memory_mb, "MB"),
        Figure(NAME, "memory at the end", samples[-1].memory_mb, "MB"),
        Figure(NAME, "memory's growth a million codes, second half", slope, "MB"),
    ]

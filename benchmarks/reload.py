"""One scanner of ten is configured anew while the nine others read fifty codes a second each: how
long they stop, whether any was connected anew, and what is lost.

In turn with as much time in which nothing is configured."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Final

import uvloop

from benchmarks.edge import Edge
from benchmarks.figures import Figure, Plan, Progress, median, paired_ratio
from benchmarks.http_load import encode
from benchmarks.line import SCANNERS, Json, SimulatedLine, ask, edge_on, fresh_codes

NAME: Final = "reload"
RATE_PER_S: Final = 50
RELOADS: Final = 4
WATCHED_S: Final = 1.0
WARM_UP_S: Final = 2.0
ANSWERED_S: Final = 10.0
PATH: Final = "/api/v1/scanners"
STORED: Final = "SELECT count(*) FROM scan WHERE scanner_index > 0 AND valid AND NOT duplicate"


class Verdicts:
    """When they came back to one scanner."""

    def __init__(self) -> None:
        self.count = 0
        self._at_s: list[float] = []

    def came(self, data: bytes) -> None:
        self.count += len(data)
        self._at_s.append(time.perf_counter())

    def longest_gap_s(self) -> float:
        """Since it was last asked, and up to now."""
        found = max(b - a for a, b in pairwise([*self._at_s, time.perf_counter()]))
        del self._at_s[:-1]
        return found


class Reloading:
    """A line that runs, and whose first scanner is configured anew."""

    def __init__(self, line: SimulatedLine) -> None:
        self.others = line.scanners[1:]
        self.verdicts = [Verdicts() for _ in self.others]
        self.answered_s: list[float] = []
        self._changed = line.scanners[0]
        self._settings = line.scanner_settings()
        for scanner, verdicts in zip(self.others, self.verdicts, strict=True):
            scanner.listen(verdicts.came)

    @property
    def connections(self) -> int:
        """Of the others, since they were switched on."""
        return sum(scanner.opened_count for scanner in self.others)

    async def watched(self, seconds: float) -> float:
        """The longest that any of the others had to wait for its next verdict."""
        await asyncio.sleep(seconds)
        return max(verdicts.longest_gap_s() for verdicts in self.verdicts)

    async def reload(self, edge: Edge, turn: int) -> None:
        """Returns once the edge has answered, and has the scanner again."""
        first: Json = self._settings[0] | {"connectTimeoutS": 3 + turn % 2}
        request = encode("PUT", PATH, [first, *self._settings[1:]], edge.token)
        before, begun_s = self._changed.opened_count, time.perf_counter()
        await ask(edge, request)
        self.answered_s.append(time.perf_counter() - begun_s)
        async with asyncio.timeout(ANSWERED_S):
            await self._changed.peers(1)
        if self._changed.opened_count != before + 1:
            raise RuntimeError("the scanner that was configured anew was not connected anew")

    async def stopped(self) -> int:
        """How many codes the others sent, once all that can be answered are."""
        for scanner in self.others:
            scanner.rate = 0
        sent = sum(scanner.sent_count for scanner in self.others)
        ends_s = time.monotonic() + ANSWERED_S
        while self.answered < sent and time.monotonic() < ends_s:
            await asyncio.sleep(WATCHED_S / 10)
            sent = sum(scanner.sent_count for scanner in self.others)
        return sent

    @property
    def answered(self) -> int:
        return sum(verdicts.count for verdicts in self.verdicts)


def run(plan: Plan, progress: Progress) -> list[Figure]:
    return uvloop.run(_run(plan, progress))


async def _run(plan: Plan, progress: Progress) -> list[Figure]:
    codes = [(), *(fresh_codes(number) for number in range(1, SCANNERS))]
    async with SimulatedLine(codes, RATE_PER_S) as line:
        reloading = Reloading(line)
        return await _measured(plan, progress, line, reloading)


async def _measured(
    plan: Plan, progress: Progress, line: SimulatedLine, reloading: Reloading
) -> list[Figure]:
    async with edge_on(line) as edge:
        await reloading.watched(WARM_UP_S)
        await reloading.reload(edge, 0)
        await reloading.watched(WARM_UP_S)
        before = reloading.connections
        still, disturbed = [], []
        for turn in range(plan.rounds * plan.amount(RELOADS)):
            progress.stage(f"reload {turn + 1}")
            still.append(await reloading.watched(WATCHED_S))
            await reloading.reload(edge, turn + 1)
            disturbed.append(await reloading.watched(WATCHED_S))
        again = reloading.connections - before
        sent = await reloading.stopped()
        unanswered, stored = sent - reloading.answered, _stored(edge.database)
    return [
        *_gaps(still, disturbed),
        Figure(NAME, "reload: until it is answered", median(reloading.answered_s) * 1000, "ms"),
        Figure(NAME, "others connected anew", again, "times", 0, at_most=True),
        Figure(NAME, "codes of the others", sent, "codes"),
        Figure(NAME, "of these without a verdict", unanswered, "codes", 0, at_most=True),
        Figure(NAME, "of these without a scan", sent - stored, "codes", 0, at_most=True),
    ]


def _gaps(still: Sequence[float], disturbed: Sequence[float]) -> list[Figure]:
    """One is 20 ms where nothing is in the way."""
    what = "others' longest gap between verdicts"
    stops_ms = [(one - other) * 1000 for one, other in zip(disturbed, still, strict=True)]
    return [
        Figure(NAME, f"{what}: reload / none", paired_ratio(disturbed, still)),
        Figure(NAME, f"{what}: none, median", median(still) * 1000, "ms"),
        Figure(NAME, f"{what}: reload, median", median(disturbed) * 1000, "ms"),
        Figure(NAME, f"{what}: none, longest", max(still) * 1000, "ms"),
        Figure(NAME, f"{what}: reload, longest", max(disturbed) * 1000, "ms"),
        Figure(NAME, "others stop for, median", max(0.0, median(stops_ms)), "ms"),
    ]


def _stored(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        found: int = database.execute(STORED).fetchone()[0]
        return found

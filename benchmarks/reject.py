"""From the last byte of a code on a scanner's socket to the reject coil at a Modbus controller.

Timed at the peers, by their one clock: ten scanners, fifty codes a second, every one of them
rejected. In turn with a process that does the same with the protocols' libraries and nothing
else: neither judges nor stores."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final

import uvloop

from benchmarks.edge import Codes
from benchmarks.figures import Figure, Plan, Progress, paired_ratio, percentile
from benchmarks.line import PULSE_MS, SCANNERS, SimulatedLine, cut_short, edge_on, gate
from benchmarks.machine import child
from drivers.plcs.modbus.points import Change

NAME: Final = "reject"
RATE_PER_S: Final = 50
SECONDS: Final = 8
WARM_UP_S: Final = 2
SEEN_S: Final = 5.0


class RejectTimer:
    """Sends codes to a line and watches its gates. `missed`: whose gate had not opened when the
    scanner read the next one."""

    def __init__(self, line: SimulatedLine) -> None:
        self.missed = 0
        self._line = line
        self._codes = Codes(11)
        self._random = random.Random(11)
        self._sent_s: dict[str, float] = {}
        self._seen: list[float] = []
        self._all_seen = asyncio.Event()
        line.plc.points.listen(self._changed)

    async def paced(self, count: int) -> list[float]:
        """Seconds from each code's last byte to its coil. Bottles on different belts know nothing
        of each other: a code comes at any moment of its fiftieth of a second."""
        self._seen = []
        begun_s = time.perf_counter()
        for place, code in enumerate(self._codes.take(count)):
            due_s = begun_s + (place + self._random.random()) / RATE_PER_S
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            await self._read(place % SCANNERS, cut_short(code))
        with suppress(TimeoutError):
            async with asyncio.timeout(SEEN_S):
                await self._all_seen.wait()
        self._give_up(*self._sent_s)
        return self._seen

    async def _read(self, scanner: int, code: str) -> None:
        self._give_up(gate(scanner))
        self._all_seen.clear()
        self._sent_s[gate(scanner)] = time.perf_counter()
        await self._line.scanners[scanner].emit(code)

    def _give_up(self, *gates: str) -> None:
        for name in gates:
            self.missed += self._sent_s.pop(name, None) is not None

    def _changed(self, change: Change) -> None:
        if change.value is True and change.name in self._sent_s:
            self._seen.append(time.perf_counter() - self._sent_s.pop(change.name))
            if not self._sent_s:
                self._all_seen.set()


def run(plan: Plan, progress: Progress) -> list[Figure]:
    return uvloop.run(_run(plan, progress))


async def _run(plan: Plan, progress: Progress) -> list[Figure]:
    async with AsyncExitStack() as stack:
        timers: dict[str, RejectTimer] = {}
        for name, starting in _SIDES.items():
            line = await stack.enter_async_context(SimulatedLine())
            await stack.enter_async_context(starting(line))
            timers[name] = RejectTimer(line)
            await timers[name].paced(WARM_UP_S * RATE_PER_S)
        rounds: dict[str, list[list[float]]] = {name: [] for name in timers}
        for turn in range(plan.rounds):
            progress.stage(f"reject {turn + 1}/{plan.rounds}")
            for name, timer in timers.items():
                rounds[name].append(await timer.paced(plan.amount(SECONDS) * RATE_PER_S))
        missed = timers["edge"].missed
    return [
        *_figures(rounds),
        Figure(NAME, "edge: gate not open by the next", missed, "codes", 0, at_most=True),
    ]


@asynccontextmanager
async def _edge(line: SimulatedLine) -> AsyncIterator[None]:
    async with edge_on(line):
        yield


@asynccontextmanager
async def _libraries(line: SimulatedLine) -> AsyncIterator[None]:
    running = child(
        "benchmarks.servers.bare_line",
        scanners=line.ports,
        plc=line.plc.port,
        pulse_s=PULSE_MS / 1000,
    )
    await asyncio.to_thread(running.__enter__)
    try:
        async with asyncio.timeout(SEEN_S):
            for scanner in line.scanners:
                await scanner.peers(1)
        yield
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


_SIDES: Final = {"edge": _edge, "libraries": _libraries}


def _figures(rounds: dict[str, list[list[float]]]) -> list[Figure]:
    def ratio(share: float) -> float:
        each = {name: [percentile(one, share) for one in found] for name, found in rounds.items()}
        return paired_ratio(each["edge"], each["libraries"])

    figures = [
        Figure(NAME, "code -> reject coil, p50: edge / protocol libraries alone", ratio(0.5)),
        Figure(NAME, "code -> reject coil, p99: edge / protocol libraries alone", ratio(0.99)),
    ]
    for name, found in rounds.items():
        every = [one for durations in found for one in durations]
        target = 15.0 if name == "edge" else None
        p50_ms, p99_ms = (percentile(every, share) * 1000 for share in (0.5, 0.99))
        figures += [
            Figure(NAME, f"{name}: code -> reject coil, p50", p50_ms, "ms"),
            Figure(NAME, f"{name}: code -> reject coil, p99", p99_ms, "ms", target, at_most=True),
            Figure(NAME, f"{name}: code -> reject coil, longest", max(every) * 1000, "ms"),
        ]
    return figures

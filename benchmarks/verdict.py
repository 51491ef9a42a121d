"""From the last byte of a code on a scanner's TCP socket to the verdict, which is on disk."""

import asyncio
import time
from typing import Final

import uvloop

from benchmarks.edge import Codes, running_edge
from benchmarks.figures import Figure, Plan, Progress, percentile
from benchmarks.machine import free_port

NAME: Final = "socket"
RATE_PER_S: Final = 50
SECONDS: Final = 12
GOOD: Final = b"GOOD\n"
ANSWER_S: Final = 5.0
DIAL_S: Final = 10.0


def run(plan: Plan, progress: Progress) -> list[Figure]:
    port = free_port()
    scanner = {
        "index": 1,
        "name": "bench",
        "mode": "listen",
        "host": "127.0.0.1",
        "port": port,
        "reply_good": "GOOD\\n",
        "reply_bad": "BAD\\n",
    }
    codes = Codes(3).take(plan.amount(SECONDS * RATE_PER_S) + RATE_PER_S)
    progress.stage(f"socket: {len(codes)} codes at {RATE_PER_S}/s")
    with running_edge(scanners=[scanner]):
        durations = uvloop.run(_paced(port, codes))[RATE_PER_S:]
    worst_ms = percentile(durations, 0.99) * 1000
    return [
        Figure(NAME, "last byte -> verdict, p50", percentile(durations, 0.5) * 1000, "ms"),
        Figure(NAME, "last byte -> verdict, p99", worst_ms, "ms", 10.0, at_most=True),
        Figure(NAME, "last byte -> verdict, longest", max(durations) * 1000, "ms"),
    ]


async def _paced(port: int, codes: list[str]) -> list[float]:
    """Seconds from each code's last byte to its reply; the first are for warming up."""
    reader, writer = await _dialled(port)
    durations: list[float] = []
    begun = time.perf_counter()
    for place, code in enumerate(codes):
        await asyncio.sleep(max(0.0, begun + place / RATE_PER_S - time.perf_counter()))
        sent = time.perf_counter()
        writer.write(code.encode("latin-1") + b"\r\n")
        async with asyncio.timeout(ANSWER_S):
            reply = await reader.readline()
        durations.append(time.perf_counter() - sent)
        if reply != GOOD:
            raise RuntimeError(f"a valid code was answered {reply!r}")
    writer.close()
    return durations


async def _dialled(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(DIAL_S):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)

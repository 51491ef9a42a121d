"""Five hundred subscribers to `scans`: one document for all, against one for each."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import uvloop

from benchmarks.edge import Codes, Edge, running_edge
from benchmarks.figures import Figure, Plan, Progress, median, paired_ratio, percentile
from benchmarks.http_load import HOST
from benchmarks.machine import allow_sockets
from benchmarks.websocket_load import Subscriber

NAME: Final = "subscribers"
SUBSCRIBERS: Final = 500
RATE_PER_S: Final = 20
SECONDS: Final = 5
MOST_ROUNDS: Final = 3
DRAIN_S: Final = 90.0
FIELDS: Final = "scans { cursor scan { id code valid duplicate gtin timestamp bottle { id } } }"


@dataclass(frozen=True, slots=True)
class Delivered:
    """`delays_s`: from the sending of a scan, its commit included, to its arrival at each."""

    elapsed_s: float
    delays_s: list[float]
    cpu_s: float

    @property
    def per_second(self) -> float:
        return len(self.delays_s) / self.elapsed_s

    @property
    def cpu_us(self) -> float:
        return self.cpu_s / len(self.delays_s) * 1e6


def run(plan: Plan, progress: Progress) -> list[Figure]:
    """The same scans once at their pace and once in a burst, which shows what is possible."""
    allow_sockets(SUBSCRIBERS + 256)
    shared = ["subscription { " + FIELDS + " }"] * SUBSCRIBERS
    # An alias makes each a document of its own.
    alone = [f"subscription {{ s{n}: {FIELDS} }}" for n in range(SUBSCRIBERS)]
    found: dict[str, list[Delivered]] = {"shared": [], "alone": [], "burst": []}
    codes = Codes(4)
    scans = plan.amount(SECONDS * RATE_PER_S)
    rounds = min(plan.rounds, MOST_ROUNDS)
    with running_edge() as edge:
        for turn in range(rounds):
            progress.stage(f"subscribers {turn + 1}/{rounds}")
            for name, queries, rate in (
                ("shared", shared, RATE_PER_S),
                ("alone", alone, RATE_PER_S),
                ("burst", shared, 100_000),
            ):
                requests = [edge.scan(code) for code in codes.take(scans)]
                found[name].append(uvloop.run(_delivered(edge, queries, requests, rate)))
    return _figures(found)


async def _delivered(
    edge: Edge, queries: Sequence[str], requests: Sequence[bytes], rate_per_s: float
) -> Delivered:
    expected = len(queries) * len(requests)
    arrived = asyncio.Event()
    left = expected

    def on_next() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            arrived.set()

    subscribers = await _connected(edge, queries, on_next)
    before_s, begun = edge.child.cpu_s(), time.perf_counter()
    sent = await _sent(edge.port, requests, rate_per_s)
    try:
        async with asyncio.timeout(DRAIN_S):
            await arrived.wait()
    except TimeoutError:
        faults = {one.fault for one in subscribers if one.fault}
        raise RuntimeError(f"{left} of {expected} deliveries are missing: {faults}") from None
    elapsed_s = time.perf_counter() - begun
    cpu_s = edge.child.cpu_s() - before_s
    for one in subscribers:
        one.close()
    delays = [at - start for one in subscribers for at, start in zip(one.times, sent, strict=True)]
    return Delivered(elapsed_s, delays, cpu_s)


async def _connected(
    edge: Edge, queries: Sequence[str], on_next: Callable[[], None]
) -> list[Subscriber]:
    loop = asyncio.get_running_loop()
    made: list[Subscriber] = []
    for query in queries:
        connect = partial(Subscriber, edge.token, query, on_next)
        made.append((await loop.create_connection(connect, HOST, edge.port))[1])
    await asyncio.gather(*(one.ready for one in made))
    return made


async def _sent(port: int, requests: Sequence[bytes], rate_per_s: float) -> list[float]:
    """When each scan was sent; one after the other, so that the log has them in this order."""
    reader, writer = await asyncio.open_connection(HOST, port)
    sent: list[float] = []
    begun = time.perf_counter()
    for place, request in enumerate(requests):
        await asyncio.sleep(max(0.0, begun + place / rate_per_s - time.perf_counter()))
        sent.append(time.perf_counter())
        writer.write(request)
    for _ in requests:
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
    writer.close()
    return sent


def _figures(found: dict[str, list[Delivered]]) -> list[Figure]:
    cpu = {name: [one.cpu_us for one in results] for name, results in found.items()}
    late = {
        name: median([percentile(one.delays_s, 0.99) * 1000 for one in results])
        for name, results in found.items()
    }
    return [
        Figure(NAME, "CPU a delivery, alone / shared", paired_ratio(cpu["alone"], cpu["shared"])),
        *(
            Figure(NAME, f"{name} deliveries", median([one.per_second for one in results]), "/s")
            for name, results in found.items()
        ),
        *(Figure(NAME, f"{name} p99 delay", late[name], "ms") for name in found),
        *(Figure(NAME, f"{name} CPU a delivery", median(cpu[name]), "us") for name in found),
    ]

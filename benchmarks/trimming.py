"""Scans while old ones are removed, beside scans while none are.

Both edges hold the same old reads and share the core; the one that is not measured stands still."""

import asyncio
import random
import re
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

from benchmarks.edge import Codes, Edge, running_edge
from benchmarks.figures import Figure, Plan, Progress, median, paired_ratio
from benchmarks.http_load import LoadResult, encode, run_load
from domain.kernel.database import Database
from domain.kernel.ids import earliest_id
from migrations import upgrade

NAME: Final = "trimming"
OLD_SCANS: Final = 1_000_000
REQUESTS: Final = 6_000
WARM_UP: Final = 400
CONNECTIONS: Final = 32
LONG_AGO_US: Final = 1_600_000_000_000_000
NEVER_S: Final = 1e9
FILL: Final = (
    "INSERT INTO scan (id, customer_id, code, valid, duplicate, gtin, bottle_id, line_id, "
    "scanner_index, source, scanned_at_us, recorded_at_us) "
    "VALUES (?, 1, ?, 1, 0, '04600605032541', ?, 'line-1', 1, 'SCANNER', ?, ?)"
)
# Nothing has to survive while the file is filled.
UNSAFE: Final = ("PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", "PRAGMA cache_size=-262144")
REMOVED: Final = re.compile(rb'oktograph_removed_total\{what="scan"\} ([0-9.e+]+)')


def run(plan: Plan, progress: Progress) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="okto-bench-") as folder:
        filled = Path(folder) / "filled.db"
        progress.stage(f"trimming: {OLD_SCANS:,} old scans")
        _fill(filled)
        with (
            _edge(filled, 0.01) as trimming,
            _edge(filled, NEVER_S) as still,
        ):
            return _measured(plan, progress, trimming, still)


def _measured(plan: Plan, progress: Progress, trimming: Edge, still: Edge) -> list[Figure]:
    codes, count = Codes(), plan.amount(REQUESTS)
    edges = {"trimming": trimming, "still": still}
    results: dict[str, list[LoadResult]] = {name: [] for name in edges}
    cpu_us: dict[str, list[float]] = {name: [] for name in edges}
    rates: list[float] = []
    for edge in edges.values():
        with _awake(edge):
            _load(edge, codes, WARM_UP)
    for turn in range(plan.rounds):
        progress.stage(f"trimming {turn + 1}/{plan.rounds}")
        for name, edge in edges.items():
            with _awake(edge):
                before_s, removed, began_s = edge.child.cpu_s(), _removed(edge), time.monotonic()
                results[name].append(_load(edge, codes, count))
                gone, took_s = _removed(edge) - removed, time.monotonic() - began_s
                cpu_us[name].append((edge.child.cpu_s() - before_s) / count * 1e6)
            if name == "trimming":
                rates.append(gone / took_s)
    return _figures(results, cpu_us, rates)


def _figures(
    results: dict[str, list[LoadResult]], cpu_us: dict[str, list[float]], rates: list[float]
) -> list[Figure]:
    speed = {name: [one.per_second for one in found] for name, found in results.items()}
    late = {name: [one.percentile_ms(0.99) for one in found] for name, found in results.items()}
    most = {name: [one.percentile_ms(1.0) for one in found] for name, found in results.items()}
    return [
        Figure(
            NAME,
            "scans while trimming / not",
            paired_ratio(speed["trimming"], speed["still"]),
            target=0.7,
        ),
        Figure(
            NAME,
            "p99 while trimming / not",
            paired_ratio(late["trimming"], late["still"]),
            target=2.0,
            at_most=True,
        ),
        Figure(
            NAME,
            "CPU a scan: not / while trimming",
            paired_ratio(cpu_us["still"], cpu_us["trimming"]),
        ),
        Figure(NAME, "old scans removed meanwhile", median(rates), "/s"),
        *(Figure(NAME, f"{name} scans", median(found), "/s") for name, found in speed.items()),
        *(Figure(NAME, f"{name} p99", median(found), "ms") for name, found in late.items()),
        *(Figure(NAME, f"{name} longest", median(found), "ms") for name, found in most.items()),
    ]


@contextmanager
def _edge(filled: Path, trim_every_s: float) -> Iterator[Edge]:
    def prepare(folder: Path) -> None:
        shutil.copyfile(filled, folder / "edge.db")

    with running_edge(prepare, trim_every_s=trim_every_s) as edge:
        edge.child.process.send_signal(signal.SIGSTOP)
        try:
            yield edge
        finally:
            edge.child.process.send_signal(signal.SIGCONT)


@contextmanager
def _awake(edge: Edge) -> Iterator[None]:
    edge.child.process.send_signal(signal.SIGCONT)
    try:
        yield
    finally:
        edge.child.process.send_signal(signal.SIGSTOP)


def _load(edge: Edge, codes: Codes, count: int) -> LoadResult:
    return run_load(edge.port, list(map(edge.scan, codes.take(count))), CONNECTIONS)


def _removed(edge: Edge) -> float:
    page = run_load(edge.port, [encode("GET", "/metrics")], 1).bodies[0]
    found = REMOVED.search(page)
    if found is None:
        raise RuntimeError("the metrics do not tell what was removed")
    return float(found[1])


def _fill(path: Path) -> None:
    asyncio.run(_make(path))
    chance = random.Random(1)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for pragma in UNSAFE:
            database.execute(pragma)
        database.execute("BEGIN")
        database.executemany(FILL, (_old(number, chance) for number in range(OLD_SCANS)))
        database.execute("COMMIT")


async def _make(path: Path) -> None:
    database = Database(f"sqlite:///{path}")
    await upgrade(database)
    await database.close()


def _old(number: int, chance: random.Random) -> tuple[object, ...]:
    at_us = LONG_AGO_US + number * 10_000
    bottle = UUID(hex=earliest_id(at_us)).int | number
    code = f"0104600605032541215{number:011d}\x1d93{chance.randrange(10**4):04d}"
    scan_id = (bottle + (1 << 62)).to_bytes(16, "big")
    return scan_id, code, bottle.to_bytes(16, "big"), at_us, at_us

"""The duplicate check and the insert in a small and in a ten times larger database."""

import asyncio
import random
import sqlite3
import string
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks.edge import Codes
from benchmarks.figures import Figure, Plan, Progress, median, paired_ratio
from domain.kernel.actor import Actor, system_actor
from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from domain.production.codes import ProfileCatalogue
from domain.production.commands import RecordScan
from domain.production.operations.scans import ScanIntake, SiteCodes
from domain.production.repository.scan_store import ScanOutcome
from domain.production.repository.scan_store_sqlite import SqliteScanStore
from migrations import upgrade

NAME: Final = "growth"
SMALL: Final = 100_000
LARGE: Final = 1_000_000
SINGLES: Final = 150
GROUPS: Final = 25
GROUP: Final = 64
CUSTOMER: Final = 1
FILL: Final = (
    "INSERT INTO bottle (id, customer_id, identifier, gtin, serial, status, created_at_us, "
    "updated_at_us, line_id, is_preprint) VALUES (?, 1, ?, ?, ?, 0, ?, ?, 'line-1', 0)"
)
# Nothing has to survive while the file is filled.
UNSAFE: Final = ("PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", "PRAGMA cache_size=-262144")


class Silent:
    """Nobody follows this log."""

    def announce(self) -> None:
        pass


class Site:
    """One filled database, and its intake."""

    def __init__(self, database: Database, codes: Codes) -> None:
        self._codes = codes
        clock = SystemClock()
        judge = SiteCodes(ProfileCatalogue(), "milk", clock)
        self.intake = ScanIntake(SqliteScanStore(database), judge, clock, Silent())
        self._actor: Actor = system_actor("bench", CUSTOMER)
        self._seen: list[str] = []

    async def fresh(self, count: int) -> float:
        """Seconds for one new bottle, its commit included."""
        codes = self._codes.take(count)
        self._seen += codes
        return await self._one_by_one(codes, duplicate=False)

    async def repeated(self, count: int) -> float:
        """Seconds for one duplicate, found and recorded."""
        return await self._one_by_one(random.choices(self._seen, k=count), duplicate=True)

    async def grouped(self, groups: int) -> float:
        """Seconds for one new bottle of a group that is committed together."""
        begun = time.perf_counter()
        for _ in range(groups):
            await asyncio.gather(*map(self._submit, self._codes.take(GROUP)))
        return (time.perf_counter() - begun) / (groups * GROUP)

    async def _one_by_one(self, codes: Sequence[str], *, duplicate: bool) -> float:
        times: list[float] = []
        for code in codes:
            begun = time.perf_counter()
            done = await self._submit(code)
            times.append(time.perf_counter() - begun)
            if done.scan.duplicate is not duplicate:
                raise RuntimeError("wrongly judged")
        return median(times)

    async def _submit(self, code: str) -> ScanOutcome:
        return await self.intake.submit(self._actor, RecordScan(code, line_id="line-1"))


def run(plan: Plan, progress: Progress) -> list[Figure]:
    return asyncio.run(_run(plan, progress))


async def _run(plan: Plan, progress: Progress) -> list[Figure]:
    sizes = [plan.amount(SMALL), plan.amount(LARGE)]
    ways = ("fresh", "repeated", "grouped")
    found: dict[tuple[str, int], list[float]] = {(way, n): [] for way in ways for n in sizes}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="okto-bench-")))
        sites: dict[int, Site] = {}
        for size in sizes:
            progress.stage(f"growth: filling {size:,} bottles")
            sites[size] = await _filled(folder / f"{size}.db", size, stack)
        for turn in range(plan.rounds):
            progress.stage(f"growth {turn + 1}/{plan.rounds}")
            for size, site in sites.items():
                found["fresh", size].append(await site.fresh(SINGLES))
                found["repeated", size].append(await site.repeated(SINGLES))
                found["grouped", size].append(await site.grouped(GROUPS))
    return _figures(found, *sizes)


async def _filled(path: Path, size: int, stack: AsyncExitStack) -> Site:
    database = Database(f"sqlite:///{path}")
    stack.push_async_callback(database.close)
    await upgrade(database)
    await database.close()
    await asyncio.to_thread(_fill, path, size)
    site = Site(database, Codes(5 + size))
    stack.push_async_callback(site.intake.close)
    return site


def _fill(path: Path, size: int) -> None:
    connection = sqlite3.connect(path)
    for pragma in UNSAFE:
        connection.execute(pragma)
    connection.execute("INSERT INTO customer (id, public_id, name) VALUES (1, ?, 'x')", (_ID,))
    connection.executemany(FILL, _bottles(size))
    connection.commit()
    connection.close()


_ID: Final = bytes(16)


def _bottles(size: int) -> Iterator[tuple[Any, ...]]:
    """In the order of their ids, with identities all over the unique key."""
    draw = random.Random(6)
    letters = string.ascii_letters + string.digits
    gtins = [f"0460{draw.randrange(10**10):010d}" for _ in range(16)]
    for number in range(size):
        gtin, serial = draw.choice(gtins), f"{''.join(draw.choices(letters, k=5))}"
        serial = f"{number:x}{serial}"
        key = (0x0190 << 112 | 7 << 76 | number << 32).to_bytes(16, "big")
        code = f"01{gtin}21{serial}\x1d93abcd"
        yield key, code, gtin, serial, number, number


def _figures(found: dict[tuple[str, int], list[float]], small: int, large: int) -> list[Figure]:
    what = {
        "fresh": "insert one by one",
        "repeated": "duplicate one by one",
        "grouped": f"insert in groups of {GROUP}",
    }
    bound = {"fresh": 1.3, "repeated": 1.3, "grouped": 2.0}
    ratios = [
        Figure(
            NAME,
            f"{text}, {large:,} / {small:,} bottles",
            paired_ratio(found[way, large], found[way, small]),
            target=bound[way],
            at_most=True,
        )
        for way, text in what.items()
    ]
    return ratios + [
        Figure(NAME, f"{what[way]}, {size:,} bottles", median(times) * 1e6, "us")
        for (way, size), times in found.items()
    ]

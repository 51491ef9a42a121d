"""A million scans to a file in the background, by Insight's tasks: rows a second, and whether
memory stays what it is for a tenth of them. Half of them were told by gateways. Meanwhile the
factory answers others: how long the slowest of them waits."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx2

from benchmarks.factory import Factory, running_factory
from benchmarks.figures import Figure, Plan, Progress, percentile
from domain.kernel.database import Database
from domain.kernel.ids import earliest_id
from migrations import upgrade

NAME: Final = "exports"
SCANS: Final = 1_000_000
EVERY_US: Final = 50_000
"""Between two reads: a million are fourteen hours."""
TENTH: Final = 10
DEADLINE_S: Final = 1_800.0
ASK_S: Final = 0.05
SCAN: Final = (
    "INSERT INTO scan (id, customer_id, code, valid, duplicate, gtin, line_id, scanner_index, "
    "source, scanned_at_us, recorded_at_us) "
    "VALUES (?, 1, ?, 1, 0, '04600605032541', 'line-1', 1, 'SCANNER', ?, ?)"
)
TOLD: Final = (
    "INSERT INTO gateway_scan (scan_id, customer_id, occurred_at_us, gateway_id, event_id, "
    "usecase, station, symbology, duration_s, device_id, device_battery) "
    "VALUES (?, 1, ?, ?, ?, 'Picking', 'Station3', 'QR_CODE', 0.35, 'M2MR141204452', 93)"
)
ROLLUP: Final = (
    "INSERT INTO scan_rollup (customer_id, line_id, hour_us, scans, accepted, duplicates, "
    "last_scan_us, first_read_us, last_scan_id) VALUES (1, 'line-1', ?, ?, ?, 0, ?, ?, ?)"
)
# Nothing has to survive while the file is filled.
UNSAFE: Final = ("PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", "PRAGMA cache_size=-262144")


def run(plan: Plan, progress: Progress) -> list[Figure]:
    count = plan.size or plan.amount(SCANS)
    progress.stage(f"exports: {count:,} scans")
    now_us = time.time_ns() // 1000
    first_us = now_us - count * EVERY_US

    def prepare(folder: Path) -> None:
        _fill(folder / "factory.db", count, first_us)

    with running_factory(prepare) as factory:
        tenth = _exported(factory, progress, now_us - count // TENTH * EVERY_US, now_us)
        whole = _exported(factory, progress, first_us, now_us)
    if whole["rows"] != count:
        raise RuntimeError(f"{whole['rows']} rows of {count}")
    return _figures(tenth, whole)


def _fill(path: Path, count: int, first_us: int) -> None:
    async def make() -> None:
        database = Database(f"sqlite:///{path}")
        await upgrade(database)
        await database.close()

    asyncio.run(make())
    gateway = bytes.fromhex(f"{1:032x}")
    moments = [first_us + number * EVERY_US for number in range(count)]
    with closing(sqlite3.connect(path)) as connection:
        for pragma in UNSAFE:
            connection.execute(pragma)
        with connection:
            connection.executemany(
                SCAN, ((_id(at_us), f"0104600605032541{at_us}", at_us, at_us) for at_us in moments)
            )
            connection.executemany(
                TOLD, ((_id(at_us), at_us, gateway, f"{at_us}") for at_us in moments[::2])
            )
            last_us = moments[-1]
            total = (first_us, count, count, last_us, first_us, _id(last_us))
            connection.execute(ROLLUP, total)
        connection.execute("PRAGMA journal_mode=WAL")


def _id(at_us: int) -> bytes:
    return bytes.fromhex(earliest_id(at_us))


def _exported(factory: Factory, progress: Progress, from_us: int, to_us: int) -> dict[str, Any]:
    customer = factory.ask("{ customer { id } }")["customer"]["id"]
    window = {"start_time_millis": from_us // 1000, "end_time_millis": to_us // 1000 + 1}
    return asyncio.run(_export(factory, progress, f"/insight/{customer}", window))


async def _export(
    factory: Factory, progress: Progress, base: str, window: dict[str, int]
) -> dict[str, Any]:
    """Of one task: seconds, rows, bytes, the most memory, and how long others waited."""
    path = f"{base}/events/export/tasks"
    waits: list[float] = []
    headers = {"authorization": factory.token}
    before_mb = most_mb = factory.child.own_memory_mb()
    async with httpx2.AsyncClient(base_url=factory.url, headers=headers, timeout=60) as http:
        began_s, cpu_s = time.perf_counter(), factory.child.cpu_s()
        task = (await http.post(path, params=window)).raise_for_status().json()["task"]
        while time.perf_counter() - began_s < DEADLINE_S:
            await asyncio.sleep(ASK_S)
            asked_s = time.perf_counter()
            found = (await http.get(f"{path}/{task}")).raise_for_status().json()
            waits.append(time.perf_counter() - asked_s)
            most_mb = max(most_mb, factory.child.own_memory_mb())
            progress.stage(f"exports: {time.perf_counter() - began_s:.0f} s")
            if found["completed"]:
                break
        took_s, used_s = time.perf_counter() - began_s, factory.child.cpu_s() - cpu_s
        rows, size = 0, 0
        fetched_s = time.perf_counter()
        async with http.stream("GET", found["download_link"]) as answer:
            async for chunk in answer.aiter_bytes():
                rows, size = rows + chunk.count(b"\n"), size + len(chunk)
        fetched_s = time.perf_counter() - fetched_s
    return {
        "took_s": took_s,
        "cpu_s": used_s,
        "rows": rows - 1,
        "size": size,
        "fetched_s": fetched_s,
        "before_mb": before_mb,
        "most_mb": most_mb,
        "waits": waits,
    }


def _figures(tenth: dict[str, Any], whole: dict[str, Any]) -> list[Figure]:
    rows = whole["rows"]
    return [
        Figure(
            NAME,
            "memory: all / a tenth of them",
            whole["most_mb"] / tenth["most_mb"],
            target=1.1,
            at_most=True,
        ),
        Figure(NAME, f"{rows:,} scans to a file", rows / whole["took_s"], "rows/s"),
        Figure(NAME, "its file", whole["size"] / 1e6, "MB"),
        Figure(NAME, "processor a row", whole["cpu_s"] / rows * 1e6, "us"),
        Figure(NAME, "the file, fetched", whole["size"] / 1e6 / whole["fetched_s"], "MB/s"),
        Figure(NAME, "memory before", tenth["before_mb"], "MB"),
        Figure(NAME, "memory at most", whole["most_mb"], "MB"),
        Figure(NAME, "others wait meanwhile: p99", percentile(whole["waits"], 0.99) * 1e3, "ms"),
    ]

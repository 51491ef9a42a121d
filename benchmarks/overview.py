"""The dashboard's figures over ten million bottles, which nobody counts."""

import asyncio
import time
from typing import Final, NamedTuple

from benchmarks.factory import Factory, running_factory
from benchmarks.figures import Figure, Plan, Progress, median
from benchmarks.http_load import LoadResult, run_load
from benchmarks.postgres import Postgres, running_postgres
from drivers.factory.simulation.registration import registered_edges

NAME: Final = "overview"
FULL: Final = 10_000_000
QUICK: Final = 1_000_000
REQUESTS: Final = 1_000
WARM_UP: Final = 200
EDGES: Final = 50
DAYS: Final = 10
CONNECTIONS: Final = (1, 8)
DAY_US: Final = 86_400_000_000
AHEAD_US: Final = 20 * 60_000_000
QUERY: Final = """{
  overview {
    at bottlesToday batchesToday palletsToday batchesCompleted bottlesPerMinute
    devicesOnline devicesOffline syncQueueTotal
  }
}"""
# Ten days of work up to some minutes from now, so that there is a last minute while it is asked
# for. Ids are of version 7 and tell the moment, as those of the product do.
BOTTLES: Final = """
INSERT INTO bottle (
  id, customer_id, origin, sync_version, identifier, gtin, serial, status, created_at_us,
  updated_at_us, line_id, device_id, is_preprint
)
SELECT
  (
    lpad(to_hex(at_us / 1000), 12, '0') || '7' || lpad(to_hex(n & 4095), 3, '0')
    || '8000' || lpad(to_hex(n), 12, '0')
  )::uuid,
  1, edge, 1, '01' || gtin || '21' || serial || E'\\x1d93abcd', gtin, serial, 3, at_us,
  at_us, 'line-1', edge, false
FROM (
  SELECT
    n, {start_us} + n * {step_us} AS at_us, 'edge-' || lpad((n % {edges})::text, 3, '0') AS edge,
    '0460000000' || lpad((n % 16)::text, 4, '0') AS gtin,
    substr(md5(n::text), 1, 4) || to_hex(n) AS serial
  FROM generate_series(0::bigint, {size} - 1) AS n
) AS made
"""
ROLLUPS: Final = """
INSERT INTO production_rollup (customer_id, slot_us, origin, line_id, bottles)
SELECT 1, created_at_us - created_at_us % 900000000, origin, line_id, count(*)
FROM bottle GROUP BY 2, 3, 4 ORDER BY 2
"""
# Built anew over all rows, which takes a third of the time of keeping them up row by row.
INDEXES: Final = """
SELECT c.conname IS NOT NULL, i.relname, pg_get_indexdef(x.indexrelid), pg_get_constraintdef(c.oid)
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
LEFT JOIN pg_constraint c ON c.conindid = x.indexrelid AND c.contype IN ('u', 'p')
WHERE x.indrelid = 'bottle'::regclass AND NOT x.indisprimary
"""
# Only while it is filled: nothing of it has to survive.
HURRY: Final = (
    "ALTER SYSTEM SET max_wal_size = '16GB'",
    "ALTER SYSTEM SET maintenance_work_mem = '1GB'",
    "ALTER SYSTEM SET synchronous_commit = off",
)
CALM: Final = (
    "ALTER SYSTEM RESET ALL",
    "VACUUM ANALYZE bottle, production_rollup",
    "CHECKPOINT",
)
COUNTED: Final = "SELECT count(*) FROM bottle WHERE customer_id = 1 AND created_at_us >= {from_us}"


def run(plan: Plan, progress: Progress) -> list[Figure]:
    size = plan.bottles(FULL, QUICK)
    with running_postgres() as server, running_factory(database_url=server.url) as factory:
        progress.stage(f"overview: filling {size:,} bottles")
        _register(factory)
        filled_s = fill(server, size)
        progress.stage("overview: asking")
        run_load(factory.port, [factory.graphql(QUERY)] * WARM_UP, 1)
        before = factory.child.cpu_s(), server.cpu_s()
        results = _measured(factory, plan, progress)
        used = factory.child.cpu_s() - before[0], server.cpu_s() - before[1]
        found = factory.ask(QUERY)["overview"]
        if not found["bottlesToday"] or not found["bottlesPerMinute"]:
            raise RuntimeError(f"nothing was made today: {found}")
        counted_ms = _counted_ms(server)
    return [
        *(_figure(size, connections, found) for connections, found in results.items()),
        *(_late(size, connections, found) for connections, found in results.items()),
        *_processors(size, used, plan),
        Figure(NAME, f"{size:,} bottles: today's counted instead", counted_ms, "ms"),
        Figure(NAME, f"{size:,} bottles: filled in", filled_s, "s"),
    ]


def fill(server: Postgres, size: int) -> float:
    """Seconds. Bottles of customer 1, and the rollups as intake keeps them."""
    end_us = time.time_ns() // 1000 + AHEAD_US
    step_us = DAYS * DAY_US // size
    given = {"size": size, "edges": EDGES, "step_us": step_us, "start_us": end_us - step_us * size}
    begun = time.perf_counter()
    found = [_Index(*row) for row in server.rows(INDEXES)]
    server.run(*HURRY, "SELECT pg_reload_conf()")
    server.run(*(one.drop for one in found), BOTTLES.format(**given), ROLLUPS)
    server.run(*(one.create for one in found))
    server.run(*CALM, "SELECT pg_reload_conf()")
    return time.perf_counter() - begun


class _Index(NamedTuple):
    is_constraint: bool
    name: str
    definition: str
    constraint: str | None

    @property
    def drop(self) -> str:
        if self.is_constraint:
            return f"ALTER TABLE bottle DROP CONSTRAINT {self.name}"
        return f"DROP INDEX {self.name}"

    @property
    def create(self) -> str:
        if self.is_constraint:
            return f"ALTER TABLE bottle ADD CONSTRAINT {self.name} {self.constraint}"
        return self.definition


def _register(factory: Factory) -> None:
    names = [f"edge-{number:03d}" for number in range(EDGES)]
    asyncio.run(registered_edges(factory.url, "admin", factory.password, names))


def _measured(factory: Factory, plan: Plan, progress: Progress) -> dict[int, list[LoadResult]]:
    results: dict[int, list[LoadResult]] = {connections: [] for connections in CONNECTIONS}
    for turn in range(plan.rounds):
        progress.stage(f"overview {turn + 1}/{plan.rounds}")
        load = [factory.graphql(QUERY)] * plan.amount(REQUESTS)
        for connections, found in results.items():
            found.append(run_load(factory.port, load, connections))
    return results


def _counted_ms(server: Postgres) -> float:
    """What the rollups save: one count of what was made since midnight."""
    day_us = time.time_ns() // 1000 // DAY_US * DAY_US
    begun = time.perf_counter()
    server.run(COUNTED.format(from_us=day_us))
    return (time.perf_counter() - begun) * 1000


def _processors(size: int, used_s: tuple[float, float], plan: Plan) -> list[Figure]:
    """What neighbours on the machine change least."""
    asked = plan.amount(REQUESTS) * plan.rounds * len(CONNECTIONS)
    return [
        Figure(NAME, f"{size:,} bottles: {whose} CPU", taken_s / asked * 1000, "ms")
        for whose, taken_s in zip(("factory's", "server's"), used_s, strict=True)
    ]


def _figure(size: int, connections: int, found: list[LoadResult]) -> Figure:
    what = f"{size:,} bottles, {connections} asking: p50"
    return Figure(NAME, what, median([one.percentile_ms(0.5) for one in found]), "ms")


def _late(size: int, connections: int, found: list[LoadResult]) -> Figure:
    what = f"{size:,} bottles, {connections} asking: p99"
    late_ms = median([one.percentile_ms(0.99) for one in found])
    return Figure(NAME, what, late_ms, "ms", 20.0, at_most=True)

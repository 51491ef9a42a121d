"""Durable scans over REST and GraphQL against a bare FastAPI POST of the same bodies.

At the end the edge is killed, and another process looks for everything that it acknowledged."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from benchmarks.edge import Codes, Edge, running_edge, scan_body
from benchmarks.figures import Figure, Plan, Progress, median, paired_ratio
from benchmarks.http_load import LoadResult, encode, run_load
from benchmarks.machine import child
from benchmarks.postgres import Postgres, running_postgres
from graph.pagination import plain_id

CONNECTIONS: Final = 32
REQUESTS: Final = 6_000
WARM_UP: Final = 400
NAME: Final = "ingest"
Side = Callable[[int], LoadResult]

# Reads ids from stdin, answers how many of them the database file does not have.
MISSING: Final = """
import json, sqlite3, sys
path, table = sys.argv[1:]
stored = {row[0] for row in sqlite3.connect(path).execute(f"SELECT lower(hex(id)) FROM {table}")}
asked = set(json.load(sys.stdin))
print(json.dumps([len(asked), len(asked - stored), len(stored)]))
"""


@dataclass(frozen=True, slots=True)
class Store:
    """Where an edge keeps its scans. `missing` answers, of ids, how many were different ones and
    how many of these a fresh process does not find."""

    name: str
    database_url: str
    missing: Callable[[Edge, list[str]], tuple[int, int]]
    target: float


def run(plan: Plan, progress: Progress) -> list[Figure]:
    return _measured(Store("SQLite FULL", "", _missing_on_file, 0.55), plan, progress)


def run_on_postgres(plan: Plan, progress: Progress) -> list[Figure]:
    """The same edge, on a server that flushes every commit."""
    with running_postgres() as server:

        def missing(_: Edge, ids: list[str]) -> tuple[int, int]:
            return asyncio.run(_missing_on_server(server, ids))

        return _measured(Store("PostgreSQL", server.url, missing, 0.45), plan, progress)


def _measured(store: Store, plan: Plan, progress: Progress) -> list[Figure]:
    codes = Codes()
    acknowledged: list[bytes] = []
    with (
        child("benchmarks.servers.bare") as bare,
        running_edge(database_url=store.database_url) as edge,
    ):
        sides: dict[str, Side] = {
            "bare": lambda count: _bare(bare.port, codes, count),
            "rest": lambda count: _kept(acknowledged, edge.port, _scans(edge, codes, count)),
            "graphql": lambda count: _kept(
                acknowledged, edge.port, map(edge.scan_mutation, codes.take(count))
            ),
        }
        for side in sides.values():
            side(WARM_UP)
        results: dict[str, list[LoadResult]] = {name: [] for name in sides}
        cpu_us: dict[str, list[float]] = {name: [] for name in sides}
        count = plan.amount(REQUESTS)
        for turn in range(plan.rounds):
            progress.stage(f"ingest on {store.name} {turn + 1}/{plan.rounds}")
            for name, side in sides.items():
                server = bare if name == "bare" else edge.child
                before_s = server.cpu_s()
                results[name].append(side(count))
                cpu_us[name].append((server.cpu_s() - before_s) / count * 1e6)
        edge.child.kill()
        ids = [_bottle_id(orjson.loads(body)) for body in acknowledged]
        lost = _lost(store.name, len(ids), *store.missing(edge, ids))
    return [*_figures(store, results), *_processor(store, cpu_us), *lost]


def _bare(port: int, codes: Codes, count: int) -> LoadResult:
    requests = [encode("POST", "/scan", scan_body(code)) for code in codes.take(count)]
    return run_load(port, requests, CONNECTIONS)


def _scans(edge: Edge, codes: Codes, count: int) -> Iterable[bytes]:
    return map(edge.scan, codes.take(count))


def _kept(acknowledged: list[bytes], port: int, requests: Iterable[bytes]) -> LoadResult:
    result = run_load(port, list(requests), CONNECTIONS)
    acknowledged.extend(result.bodies)
    return result


def _figures(store: Store, results: dict[str, list[LoadResult]]) -> list[Figure]:
    on = store.name
    speed = {name: [one.per_second for one in found] for name, found in results.items()}
    late = {name: [one.percentile_ms(0.99) for one in found] for name, found in results.items()}
    rest, graphql, bare = speed["rest"], speed["graphql"], speed["bare"]
    late_ratio = paired_ratio(late["rest"], late["bare"])
    return [
        Figure(
            NAME,
            f"{on}: REST scan / bare FastAPI POST",
            paired_ratio(rest, bare),
            "x",
            store.target,
        ),
        Figure(NAME, f"{on}: REST scan p99 / bare p99", late_ratio, "x", 2.0, at_most=True),
        Figure(NAME, f"{on}: GraphQL scan / REST scan", paired_ratio(graphql, rest), "x", 0.4),
        *(_absolute(f"{on}: {name} requests", found) for name, found in results.items()),
        *(
            Figure(NAME, f"{on}: {name} p{share}", _late(found, share / 100), "ms")
            for name, found in results.items()
            for share in (50, 99)
        ),
    ]


def _processor(store: Store, cpu_us: dict[str, list[float]]) -> list[Figure]:
    """What neighbours on the machine change least: the inverse of the requests a second that a
    core of one's own would give. A database server's own time is not in it."""
    on, target = f"{store.name}: CPU", store.target
    rest, graphql, bare = cpu_us["rest"], cpu_us["graphql"], cpu_us["bare"]
    return [
        Figure(NAME, f"{on}: bare FastAPI POST / REST scan", paired_ratio(bare, rest), "x", target),
        Figure(NAME, f"{on}: REST scan / GraphQL scan", paired_ratio(rest, graphql), "x", 0.4),
        *(Figure(NAME, f"{on}: {name}", median(found), "us") for name, found in cpu_us.items()),
    ]


def _absolute(what: str, found: Sequence[LoadResult]) -> Figure:
    return Figure(NAME, what, median([one.per_second for one in found]), "/s")


def _late(found: Sequence[LoadResult], share: float) -> float:
    return median([one.percentile_ms(share) for one in found])


def _lost(on: str, told: int, asked: int, missing: int) -> list[Figure]:
    if asked != told:
        raise RuntimeError("a bottle was acknowledged twice")
    return [
        Figure(NAME, f"{on}: acknowledged, then kill -9", asked, "scans"),
        Figure(NAME, f"{on}: of these not on disk", missing, "scans", target=0, at_most=True),
    ]


def _missing_on_file(edge: Edge, ids: list[str]) -> tuple[int, int]:
    command = [sys.executable, "-c", MISSING, str(edge.database), "bottle"]
    done = subprocess.run(
        command, input=json.dumps(ids), capture_output=True, text=True, check=True
    )
    asked, missing, _ = json.loads(done.stdout)
    return asked, missing


async def _missing_on_server(server: Postgres, ids: list[str]) -> tuple[int, int]:
    connection = await server.connect()
    try:
        found = await connection.fetch(
            "SELECT id FROM bottle WHERE id = ANY($1::uuid[])", [UUID(hex=one) for one in ids]
        )
    finally:
        await connection.close()
    return len(set(ids)), len(set(ids) - {row[0].hex for row in found})


def _bottle_id(answer: dict[str, Any]) -> str:
    """The plain id; the graph shows a global one."""
    data = answer["data"]
    if "scan" not in data:
        plain: str = data["bottleId"]
        return plain
    return plain_id(data["scan"]["bottle"]["id"], "Bottle")

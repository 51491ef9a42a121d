"""Deliveries over `POST /api/v1/sync`, beside COPY of the same rows into the same table."""

import asyncio
import gzip
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import orjson

from benchmarks.factory import Factory, running_factory
from benchmarks.figures import Figure, Plan, Progress, median, paired_ratio
from benchmarks.http_load import encode, run_load
from benchmarks.intake import COLUMNS, DELIVERY, Load
from benchmarks.postgres import Postgres, running_postgres
from domain.sync.incoming import IncomingBottle
from domain.sync.ports import SyncBatch
from drivers.factory.simulation.registration import registered_edges
from drivers.factory.simulation.settings import EdgeCredentials
from drivers.upstream import wire
from drivers.upstream.packing import GZIP_LEVEL

NAME: Final = "sync"
PATH: Final = "/api/v1/sync"
BOTTLES: Final = 40_000
EDGES: Final = (1, 4)
WARM_UP: Final = 4_000
STORED: Final = "{ bottles(first: 1) { totalCount } }"


@dataclass(slots=True)
class Speeds:
    """Bottles a second; CPU for a bottle in microseconds: of the factory's process, of the
    database server for one that was delivered and for one that was copied."""

    delivered: list[float] = field(default_factory=list)
    copied: list[float] = field(default_factory=list)
    factory_us: list[float] = field(default_factory=list)
    server_us: list[float] = field(default_factory=list)
    copy_us: list[float] = field(default_factory=list)


def run(plan: Plan, progress: Progress) -> list[Figure]:
    figures: list[Figure] = []
    for on in ("SQLite", "PostgreSQL"):
        with ExitStack() as stack:
            server = stack.enter_context(running_postgres()) if on == "PostgreSQL" else None
            url = "" if server is None else server.url
            factory = stack.enter_context(running_factory(database_url=url))
            names = [f"edge-{number:03d}" for number in range(max(EDGES))]
            known = asyncio.run(registered_edges(factory.url, "admin", factory.password, names))
            rig = Rig(factory, server, known)
            rig.deliver(WARM_UP, max(EDGES))
            for edges in EDGES:
                progress.stage(f"sync on {on}: {edges} at once")
                figures += _figures(on, edges, rig.measured(edges, plan))
            rig.require_all()
    return figures


class Rig:
    def __init__(
        self, factory: Factory, server: Postgres | None, known: Sequence[EdgeCredentials]
    ) -> None:
        self._factory = factory
        self._server = server
        self._known = known
        self._load = Load()
        self._stored = 0

    def measured(self, edges: int, plan: Plan) -> Speeds:
        speeds, count = Speeds(), max(DELIVERY * edges, plan.amount(BOTTLES))
        for _ in range(plan.rounds):
            before = self._cpu_us(count)
            speeds.delivered.append(self.deliver(count, edges))
            factory_us, server_us = self._cpu_us(count)
            speeds.factory_us.append(factory_us - before[0])
            speeds.server_us.append(server_us - before[1])
            if self._server is not None:
                speeds.copied.append(asyncio.run(self._copied(self._server, count, edges)))
                speeds.copy_us.append(self._cpu_us(count)[1] - server_us)
        return speeds

    def _cpu_us(self, count: int) -> tuple[float, float]:
        """So far, as shares of so many bottles: the factory's, the database server's."""
        server_s = 0.0 if self._server is None else self._server.cpu_s()
        return self._factory.child.cpu_s() / count * 1e6, server_s / count * 1e6

    def deliver(self, count: int, edges: int) -> float:
        """Bottles a second, packed as an edge packs them; each edge has a connection."""
        batches = self._load.deliveries(count)
        requests = [_request(self._known[n % edges], one) for n, one in enumerate(batches)]
        result = run_load(self._factory.port, requests, edges)
        accepted = sum(orjson.loads(body)["data"]["accepted"] for body in result.bodies)
        if accepted != count:
            raise RuntimeError(f"of {count} bottles {accepted} were accepted")
        self._stored += count
        return count / result.elapsed_s

    def require_all(self) -> None:
        found = self._factory.ask(STORED)["bottles"]["totalCount"]
        if found != self._stored:
            raise RuntimeError(f"{self._stored} bottles were accepted, {found} are stored")

    async def _copied(self, server: Postgres, count: int, connections: int) -> float:
        """A transaction for as many as a delivery has."""
        chunks = [[_bound(row) for row in rows] for rows in self._load.rows(count)]
        opened = [await server.connect() for _ in range(connections)]
        begun_s = time.perf_counter()
        await asyncio.gather(*(_copy(one, chunks[n::connections]) for n, one in enumerate(opened)))
        elapsed_s = time.perf_counter() - begun_s
        for one in opened:
            await one.close()
        self._stored += count
        return count / elapsed_s


async def _copy(connection: Any, chunks: Sequence[Sequence[tuple[Any, ...]]]) -> None:
    for rows in chunks:
        async with connection.transaction():
            await connection.copy_records_to_table("bottle", records=rows, columns=COLUMNS)


def _bound(row: IncomingBottle) -> tuple[Any, ...]:
    return (UUID(hex=row.id), *row[1:])


def _request(edge: EdgeCredentials, batch: SyncBatch) -> bytes:
    body = wire.dump({"deviceId": edge.identifier, **wire.emit_sync(batch)})
    packed = gzip.compress(body, GZIP_LEVEL, mtime=0)
    headers = {"Content-Encoding": "gzip", wire.IDEMPOTENCY_HEADER: batch.bottles[0].id}
    return encode("POST", PATH, packed, edge.token, headers)


def _figures(on: str, edges: int, speeds: Speeds) -> list[Figure]:
    what = f"{on}, {edges} at once"
    found = [
        Figure(NAME, f"{what}: delivered", median(speeds.delivered), "bottles/s"),
        Figure(NAME, f"{what}: factory's CPU", median(speeds.factory_us), "us a bottle"),
    ]
    if speeds.copied:
        ratio = paired_ratio(speeds.delivered, speeds.copied)
        found += [
            Figure(NAME, f"{what}: delivered / COPY", ratio),
            Figure(NAME, f"{what}: COPY", median(speeds.copied), "bottles/s"),
            Figure(NAME, f"{what}: server's CPU", median(speeds.server_us), "us a bottle"),
            Figure(NAME, f"{what}: server's CPU for COPY", median(speeds.copy_us), "us a bottle"),
        ]
    return found

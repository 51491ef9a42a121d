"""An edge that was alone for long: its backlog drains into its factory, process to process."""

import asyncio
import time
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Final

from benchmarks.edge import Codes, Edge, running_edge
from benchmarks.factory import Factory, running_factory
from benchmarks.figures import Figure, Plan, Progress
from benchmarks.http_load import call, encode, run_load
from benchmarks.machine import LOAD_CORE
from benchmarks.postgres import running_postgres
from drivers.factory.simulation.registration import registered_edges

NAME: Final = "backlog"
FULL: Final = 100_000
QUICK: Final = 20_000
BULK: Final = 5_000
EDGE: Final = "edge-001"
POLL_S: Final = 0.1
DEADLINE_S: Final = 3_600.0
TO_FACTORY: Final = "mutation { setConnectionMode(mode: VIA_LOCAL_SERVER) { mode } }"
SYNC_STATUS: Final = "{ syncStatus { queueSize lastError } }"
STORED: Final = "{ bottles(first: 1) { totalCount } }"


@dataclass(frozen=True, slots=True)
class Drained:
    """Seconds of the clock, and of the processors of both processes."""

    elapsed_s: float
    edge_s: float
    factory_s: float
    stored: int


def run(plan: Plan, progress: Progress) -> list[Figure]:
    """The edge on SQLite, as edges are; the factory on either. `--size` says how many."""
    size, figures = plan.bottles(FULL, QUICK), list[Figure]()
    for on in ("SQLite", "PostgreSQL"):
        with ExitStack() as stack:
            url = ""
            if on == "PostgreSQL":
                url = stack.enter_context(running_postgres()).url
            factory = stack.enter_context(running_factory(database_url=url))
            edge = stack.enter_context(_linked_edge(factory))
            progress.stage(f"backlog: {size:,} bottles at an edge")
            _fill(edge, size)
            progress.stage(f"backlog: {size:,} bottles into a factory on {on}")
            figures += _figures(on, size, _drained(edge, factory))
    return figures


def _linked_edge(factory: Factory) -> AbstractContextManager[Edge]:
    known = asyncio.run(registered_edges(factory.url, "admin", factory.password, [EDGE]))
    return running_edge(factory_url=factory.url, edge_token=known[0].token, core=LOAD_CORE)


def _fill(edge: Edge, size: int) -> None:
    """In the mode that edges begin in they have no way up: all of it waits."""
    codes = Codes(9)
    for begun in range(0, size, BULK):
        bottles = [{"identifier": one} for one in codes.take(min(BULK, size - begun))]
        request = encode("POST", "/api/v1/bottles", {"bottles": bottles}, edge.token)
        run_load(edge.port, [request], 1)
    waiting = _waiting(edge)
    if waiting < size:
        raise RuntimeError(f"of {size} bottles {waiting} wait")


def _waiting(edge: Edge) -> int:
    found = call(edge.port, edge.graphql(SYNC_STATUS))["data"]["syncStatus"]
    if found["lastError"]:
        raise RuntimeError(f"the delivery failed: {found['lastError']}")
    waiting: int = found["queueSize"]
    return waiting


def _drained(edge: Edge, factory: Factory) -> Drained:
    begun_s, before = time.perf_counter(), (edge.child.cpu_s(), factory.child.cpu_s())
    call(edge.port, edge.graphql(TO_FACTORY))
    while _waiting(edge):
        if time.perf_counter() - begun_s > DEADLINE_S:
            raise RuntimeError("the backlog does not drain")
        time.sleep(POLL_S)
    return Drained(
        elapsed_s=time.perf_counter() - begun_s,
        edge_s=edge.child.cpu_s() - before[0],
        factory_s=factory.child.cpu_s() - before[1],
        stored=factory.ask(STORED)["bottles"]["totalCount"],
    )


def _figures(on: str, size: int, found: Drained) -> list[Figure]:
    what = f"{size:,} bottles, factory on {on}"
    return [
        Figure(NAME, f"{what}: drained", size / found.elapsed_s, "bottles/s"),
        Figure(NAME, f"{what}: in", found.elapsed_s, "s"),
        Figure(NAME, f"{what}: edge's CPU", found.edge_s / size * 1e6, "us a bottle"),
        Figure(NAME, f"{what}: factory's CPU", found.factory_s / size * 1e6, "us a bottle"),
        Figure(NAME, f"{what}: lost", size - found.stored, "bottles", 0, at_most=True),
    ]

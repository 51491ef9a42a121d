"""A command from a person's request over the factory to an edge, and its answer's way back."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Final

import orjson
import uvloop

from benchmarks.factory import Factory, data_of, running_factory
from benchmarks.figures import Figure, Plan, Progress, median, percentile
from benchmarks.http_load import LoadResult, load
from benchmarks.postgres import running_postgres
from drivers.factory.simulation.fleet import simulated_edges
from drivers.factory.simulation.registration import registered_edges
from drivers.factory.simulation.settings import EdgeBehaviour

NAME: Final = "commands"
EDGES: Final = 8
COMMANDS: Final = 150
WARM_UP: Final = 40
ASKED: Final[Mapping[str, dict[str, int]]] = {"FORCE_SYNC": {}, "PULL_LOGS": {"limit": 10}}
DISPATCH: Final = """mutation ($input: DispatchCommandInput!) {
  dispatchCommand(input: $input) { status result error }
}"""
Results = dict[tuple[str, int], list[LoadResult]]


def run(plan: Plan, progress: Progress) -> list[Figure]:
    """One after the other by one person, and by as many as there are edges, each with their own."""
    figures: list[Figure] = []
    for name in ("SQLite", "PostgreSQL"):
        with ExitStack() as stack:
            url = ""
            if name == "PostgreSQL":
                url = stack.enter_context(running_postgres()).url
            factory = stack.enter_context(running_factory(database_url=url))
            before_s = factory.child.cpu_s()
            results = uvloop.run(_measured(factory, name, plan, progress))
            figures += _figures(name, results, factory.child.cpu_s() - before_s)
    return figures


async def _measured(factory: Factory, on: str, plan: Plan, progress: Progress) -> Results:
    names = [f"edge-{number:03d}" for number in range(EDGES)]
    known = await registered_edges(factory.url, "admin", factory.password, names)
    count = plan.amount(COMMANDS)
    results: Results = {(kind, callers): [] for kind in ASKED for callers in (1, EDGES)}
    async with simulated_edges(factory.url, known, EdgeBehaviour(rate=0.0)) as fleet:
        await fleet.connected()
        await _dispatched(factory, "FORCE_SYNC", names, WARM_UP, EDGES)
        for turn in range(plan.rounds):
            progress.stage(f"commands on {on} {turn + 1}/{plan.rounds}")
            for (kind, callers), found in results.items():
                found.append(await _dispatched(factory, kind, names[:callers], count, callers))
    return results


async def _dispatched(
    factory: Factory, kind: str, names: Sequence[str], count: int, callers: int
) -> LoadResult:
    asked = [
        {"input": {"deviceId": names[number % len(names)], "type": kind}} for number in range(count)
    ]
    requests = [factory.graphql(DISPATCH, one) for one in asked]
    result = await load(factory.port, requests, callers)
    for body in result.bodies:
        ended = data_of(orjson.loads(body))["dispatchCommand"]
        if ended["status"] != "SUCCEEDED":
            raise RuntimeError(f"a command did not succeed: {ended}")
    return result


def _figures(on: str, results: Results, factory_s: float) -> list[Figure]:
    ended = sum(len(one.latencies_s) for found in results.values() for one in found)
    figures = [Figure(NAME, f"{on}: factory's CPU", factory_s / ended * 1000, "ms a command")]
    for (kind, callers), found in results.items():
        what = f"{on}: {kind.lower()}, {callers} at once"
        target = 50.0 if callers == 1 else None
        delays_ms = [one * 1000 for result in found for one in result.latencies_s]
        late_ms = percentile(delays_ms, 0.99)
        figures += [
            Figure(NAME, f"{what}: p50", percentile(delays_ms, 0.5), "ms"),
            Figure(NAME, f"{what}: p99", late_ms, "ms", target, at_most=True),
            Figure(NAME, what, median([one.per_second for one in found]), "a second"),
        ]
    return figures

"""A hundred devices over GraphQL, beside PostGraphile's same query on the same table."""

import asyncio
from typing import Any, Final

from benchmarks.factory import Factory, data_of, running_factory
from benchmarks.figures import Figure, Plan, Progress, median, paired_ratio
from benchmarks.http_load import LoadResult, call, encode, run_load
from benchmarks.machine import Child
from benchmarks.peers.postgraphile import PACKAGE, Missing, running_postgraphile
from benchmarks.postgres import running_postgres
from drivers.factory.simulation.registration import registered_edges

NAME: Final = "devices"
CONNECTIONS: Final = 8
REQUESTS: Final = 1_000
WARM_UP: Final = 400
REGISTERED: Final = 150
# Nine columns of the same rows; PostGraphile shows times as the table holds them.
OURS: Final = """{
  devices(first: 100) {
    edges { node {
      id identifier number name kind status firmwareVersion lastHeartbeatAt queueSize
    } }
  }
}"""
THEIRS: Final = """{
  allDevices(first: 100, orderBy: [PRIMARY_KEY_DESC]) {
    edges { node {
      id identifier number name kind status firmwareVersion lastHeartbeatAtUs queueSize
    } }
  }
}"""
Sides = dict[str, tuple[Child, bytes]]


def run(plan: Plan, progress: Progress) -> list[Figure]:
    with running_postgres() as server, running_factory(database_url=server.url) as factory:
        names = [f"edge-{number:03d}" for number in range(REGISTERED)]
        asyncio.run(registered_edges(factory.url, "admin", factory.password, names))
        ours = (factory.child, factory.graphql(OURS))
        progress.stage(f"devices: installing {PACKAGE}")
        try:
            with running_postgraphile(server.url) as peer:
                theirs = (peer, encode("POST", "/graphql", {"query": THEIRS}))
                _require_the_same(factory, peer.port)
                return _figures(*_measured({"ours": ours, "theirs": theirs}, plan, progress))
        except Missing as missing:
            progress.note(f"devices: skipped, {missing}")
            return []


def _require_the_same(factory: Factory, port: int) -> None:
    found = [
        _printed(factory.ask(OURS)["devices"]),
        _printed(data_of(call(port, encode("POST", "/graphql", {"query": THEIRS})))["allDevices"]),
    ]
    if len(found[0]) != 100 or found[0] != found[1]:
        raise RuntimeError("the two do not list the same hundred devices")


def _printed(listed: dict[str, Any]) -> list[tuple[Any, ...]]:
    nodes = [edge["node"] for edge in listed["edges"]]
    return [tuple(node[k] for k in ("identifier", "number", "name", "status")) for node in nodes]


def _measured(
    sides: Sides, plan: Plan, progress: Progress
) -> tuple[dict[str, list[LoadResult]], dict[str, list[float]]]:
    results: dict[str, list[LoadResult]] = {name: [] for name in sides}
    cpu_us: dict[str, list[float]] = {name: [] for name in sides}
    count = plan.amount(REQUESTS)
    for child, request in sides.values():
        run_load(child.port, [request] * WARM_UP, CONNECTIONS)
    for turn in range(plan.rounds):
        progress.stage(f"devices {turn + 1}/{plan.rounds}")
        for name, (child, request) in sides.items():
            before_s = child.cpu_s()
            results[name].append(run_load(child.port, [request] * count, CONNECTIONS))
            cpu_us[name].append((child.cpu_s() - before_s) / count * 1e6)
    return results, cpu_us


def _figures(results: dict[str, list[LoadResult]], cpu_us: dict[str, list[float]]) -> list[Figure]:
    speed = {name: [one.per_second for one in found] for name, found in results.items()}
    words = {"ours": "100 devices", "theirs": "PostGraphile: 100 devices"}
    ratio = paired_ratio(speed["ours"], speed["theirs"])
    cpu = paired_ratio(cpu_us["theirs"], cpu_us["ours"])
    return [
        Figure(NAME, "100 devices / PostGraphile", ratio, target=0.25),
        Figure(NAME, "CPU: PostGraphile / 100 devices", cpu, target=0.25),
        *(Figure(NAME, words[name], median(found), "/s") for name, found in speed.items()),
        *(Figure(NAME, f"{words[n]}: CPU", median(found), "us") for n, found in cpu_us.items()),
    ]

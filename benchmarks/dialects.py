"""Each mounted dialect's list of a hundred items, beside a bare FastAPI route that answers the same
bytes: what token, rights, rows and presenter cost. A row of LISTS is a dialect."""

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.factory import Factory, running_factory
from benchmarks.figures import Figure, Plan, Progress, median, paired_ratio
from benchmarks.http_load import LoadResult, call, encode, run_load
from benchmarks.machine import Child, child
from drivers.factory.simulation.registration import registered_edges

NAME: Final = "dialects"
ITEMS: Final = 100
CONNECTIONS: Final = 8
REQUESTS: Final = 600
WARM_UP: Final = 100
STORED: Final = 150
CREATE: Final = "mutation ($input: CreateReleaseInput!) { createRelease(input: $input) { id } }"


@dataclass(frozen=True, slots=True)
class DialectList:
    """`path` asks for a hundred, `items` takes them out of the answer."""

    path: Callable[[Factory], str]
    items: Callable[[Any], list[Any]]


def _insight(factory: Factory) -> str:
    customer: str = factory.ask("{ customer { id } }")["customer"]["id"]
    return f"/insight/{customer}/events?limit={ITEMS}"


LISTS: Final[dict[str, DialectList]] = {
    "insight": DialectList(_insight, lambda body: body["items"]),
    "okto-factory": DialectList(
        lambda _: f"/api/v1/devices?limit={ITEMS}", lambda body: body["data"]
    ),
    "otao": DialectList(
        lambda _: "/otao/api/v1/applications/smart-kettle/software", lambda body: body
    ),
    "valtronics": DialectList(
        lambda _: f"/valtronics/api/v1/devices/?size={ITEMS}", lambda body: body["data"]["items"]
    ),
}
Side = tuple[str, str]
Requests = dict[Side, tuple[Child, bytes]]


def run(plan: Plan, progress: Progress) -> list[Figure]:
    with running_factory(rate_limits=False) as factory, tempfile.TemporaryDirectory() as folder:
        progress.stage("dialects: filling")
        _fill(factory)
        requests: Requests = {}
        for name, one in LISTS.items():
            request = encode("GET", one.path(factory), None, factory.token)
            requests[name, "ours"] = (factory.child, request)
            (Path(folder) / name).write_bytes(_answer(factory, name, request))
        with child("benchmarks.servers.same_bytes", folder=folder) as bare:
            requests |= {(name, "bare"): (bare, encode("GET", f"/{name}")) for name in LISTS}
            return _figures(*_measured(requests, plan, progress))


def _fill(factory: Factory) -> None:
    names = [f"edge-{number:03d}" for number in range(STORED)]
    asyncio.run(registered_edges(factory.url, "admin", factory.password, names))
    document = "mutation ($input: ScanInput!) { scan(input: $input) { valid } }"
    for number in range(STORED):
        factory.ask(document, input={"code": f"code {number}"})

    for number in range(ITEMS):
        factory.ask(CREATE, input=_version(number))


def _version(number: int) -> dict[str, Any]:
    return {
        "application": "smart-kettle",
        "version": f"1.{number}.0",
        "upgradableFrom": [f"1.{one}.0" for one in range(max(0, number - 2), number)],
        "strategy": "TARGETED",
        "filters": [{"filter": "pilots", "activeFrom": "2019-04-20T11:19:57.848Z"}],
        "specification": {"link": "ftp://software-repository"},
        "metadata": "Ubuntu 17.10",
    }


def _answer(factory: Factory, name: str, request: bytes) -> bytes:
    items = LISTS[name].items(call(factory.port, request))
    if len(items) != ITEMS:
        raise RuntimeError(f"{name} lists {len(items)}, not {ITEMS}")
    return run_load(factory.port, [request], 1).bodies[0]


def _measured(
    requests: Requests, plan: Plan, progress: Progress
) -> tuple[dict[Side, list[LoadResult]], dict[Side, list[float]]]:
    results: dict[Side, list[LoadResult]] = {side: [] for side in requests}
    cpu_us: dict[Side, list[float]] = {side: [] for side in requests}
    count = plan.amount(REQUESTS)
    for server, request in requests.values():
        run_load(server.port, [request] * WARM_UP, CONNECTIONS)
    for turn in range(plan.rounds):
        progress.stage(f"dialects {turn + 1}/{plan.rounds}")
        for side, (server, request) in requests.items():
            before_s = server.cpu_s()
            results[side].append(run_load(server.port, [request] * count, CONNECTIONS))
            cpu_us[side].append((server.cpu_s() - before_s) / count * 1e6)
    return results, cpu_us


def _figures(
    results: dict[Side, list[LoadResult]], cpu_us: dict[Side, list[float]]
) -> list[Figure]:
    speed = {side: [one.per_second for one in found] for side, found in results.items()}
    late = {side: [one.percentile_ms(0.99) for one in found] for side, found in results.items()}
    found: list[Figure] = []
    for name in LISTS:
        ours, bare = (name, "ours"), (name, "bare")
        ratio, cpu = (
            paired_ratio(speed[ours], speed[bare]),
            paired_ratio(cpu_us[bare], cpu_us[ours]),
        )
        found += [
            Figure(NAME, f"{name}: 100 items / bare FastAPI", ratio),
            Figure(NAME, f"{name}: CPU, bare FastAPI / 100 items", cpu),
        ]
    for side in results:
        what = ", ".join(side)
        found += [
            Figure(NAME, what, median(speed[side]), "/s"),
            Figure(NAME, f"{what}: p99", median(late[side]), "ms"),
            Figure(NAME, f"{what}: CPU", median(cpu_us[side]), "us"),
        ]
    return found

"""Each dialect's list of a hundred, read from its database for a caller who is checked, against a
bare FastAPI route that answers the same bytes out of memory."""

import json
import tempfile
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from benchmarks.edge import Codes
from benchmarks.factory import Factory, running_factory
from benchmarks.figures import Figure, Plan, Progress, median, paired_ratio
from benchmarks.http_load import LoadResult, call, encode, run_load
from benchmarks.machine import Child, child

NAME: Final = "dialects"
CONNECTIONS: Final = 8
REQUESTS: Final[Mapping[str, int]] = {"ours": 400, "bare": 6_000}
"""So that both take about as long: a short load shows the machine's other work, not the server."""
LISTED: Final = 100
REGISTER: Final = """mutation ($input: [RegisterDeviceInput!]!) {
  registerDevices(input: $input) { id } }"""
SCAN: Final = "mutation ($code: String!) { scan(input: {code: $code}) { valid } }"
CREATE: Final = "mutation ($input: CreateReleaseInput!) { createRelease(input: $input) { id } }"


@dataclass(frozen=True, slots=True)
class Listed:
    """What is listed at `path` once it is filled; `items` finds it in an answer. `{customer}` is
    the caller's."""

    path: str
    fill: Callable[[Factory], None]
    items: Callable[[Any], list[Any]]


def _devices(factory: Factory) -> None:
    """Those of every dialect that lists devices."""
    named = [
        {
            "identifier": f"TEMP-{number:03d}",
            "name": f"Sensor {number}",
            "kind": "SENSOR",
            "manufacturer": "Thermal Works",
            "model": "TW-2",
            "firmwareVersion": "2.1.4",
            "location": "Zone A - Cold Store",
        }
        for number in range(LISTED)
    ]
    factory.ask(REGISTER, input=named)


def _software(factory: Factory) -> None:
    for number in range(LISTED):
        given = {
            "application": "smart-kettle",
            "version": f"1.{number}.0",
            "upgradableFrom": [f"1.{one}.0" for one in range(max(0, number - 2), number)],
            "strategy": "TARGETED",
            "filters": [{"filter": "pilots", "activeFrom": "2019-04-20T11:19:57.848Z"}],
            "specification": {"link": "ftp://software-repository"},
            "metadata": "Ubuntu 17.10",
        }
        factory.ask(CREATE, input=given)


def _scans(factory: Factory) -> None:
    for code in Codes(3).take(LISTED):
        factory.ask(SCAN, code=code)


def _nothing(_factory: Factory) -> None:
    """The one before has filled it."""


def _customer(factory: Factory) -> str:
    """By the claim of the token, as clients that were not told read it."""
    payload = factory.token.split(".")[1]
    found: str = orjson.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["customer"]
    return found


LISTS: Final[Mapping[str, Listed]] = {
    "Insight": Listed("/insight/{customer}/events?limit=100", _scans, lambda body: body["items"]),
    "OTAO": Listed("/otao/api/v1/applications/smart-kettle/software", _software, lambda body: body),
    "Valtronics": Listed(
        "/valtronics/api/v1/devices/?size=100", _devices, lambda body: body["data"]["items"]
    ),
    "OKTO factory": Listed("/api/v1/devices?limit=100", _nothing, lambda body: body["data"]),
}


def run(plan: Plan, progress: Progress) -> list[Figure]:
    figures: list[Figure] = []
    with running_factory(rate_limits=False) as factory:
        for name, one in LISTS.items():
            progress.stage(f"dialects: filling {name}")
            one.fill(factory)
            path = one.path.format(customer=_customer(factory))
            request = encode("GET", path, None, factory.token)
            figures += _compared(name, factory.child, request, one, plan, progress)
    return figures


def _compared(
    name: str, ours: Child, request: bytes, one: Listed, plan: Plan, progress: Progress
) -> list[Figure]:
    document = call(ours.port, request)
    if len(one.items(document)) != LISTED:
        raise RuntimeError(f"{name}: a list of {len(one.items(document))}, not of {LISTED}")
    with tempfile.TemporaryDirectory(prefix="okto-bench-") as folder:
        path = Path(folder) / "document.json"
        path.write_text(json.dumps(document))
        with child("benchmarks.servers.bare_list", document=path) as bare:
            plain = encode("GET", "/list")
            if call(bare.port, plain) != document:
                raise RuntimeError(f"{name}: the bare route answers something else")
            sides = {"ours": (ours, request), "bare": (bare, plain)}
            return _figures(name, _measured(name, sides, plan, progress))


def _measured(
    name: str, sides: Mapping[str, tuple[Child, bytes]], plan: Plan, progress: Progress
) -> dict[str, list[LoadResult]]:
    results: dict[str, list[LoadResult]] = {side: [] for side in sides}
    for turn in range(plan.rounds):
        progress.stage(f"dialects: {name} {turn + 1}/{plan.rounds}")
        for side, (server, request) in sides.items():
            load = [request] * plan.amount(REQUESTS[side])
            results[side].append(run_load(server.port, load, CONNECTIONS))
    return results


def _figures(name: str, results: dict[str, list[LoadResult]]) -> list[Figure]:
    speed = {side: [one.per_second for one in found] for side, found in results.items()}
    return [
        Figure(NAME, f"{name}: 100 / bare FastAPI", paired_ratio(speed["ours"], speed["bare"])),
        Figure(NAME, f"{name}: 100", median(speed["ours"]), "/s"),
        Figure(NAME, f"{name}: bare FastAPI", median(speed["bare"]), "/s"),
    ]

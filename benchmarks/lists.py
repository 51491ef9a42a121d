"""A hundred bottles over GraphQL and REST against plain FastAPI lists of the same rows."""

from typing import Final

from benchmarks.edge import Codes, Edge, running_edge
from benchmarks.figures import Figure, Plan, Progress, median, paired_ratio
from benchmarks.http_load import LoadResult, call, encode, run_load
from benchmarks.machine import child

NAME: Final = "lists"
CONNECTIONS: Final = 8
REQUESTS: Final = 600
STORED: Final = 5_000
NINE_FIELDS: Final = """{
  bottles(first: 100) {
    edges { node { id identifier gtin serial status createdAt updatedAt lineId party } }
  }
}"""


def run(plan: Plan, progress: Progress) -> list[Figure]:
    with running_edge() as edge:
        progress.stage("lists: filling")
        _fill(edge)
        with child("benchmarks.servers.bare", database=edge.database) as bare:
            requests = {
                "plain": (bare.port, encode("GET", "/bottles?limit=100")),
                "orm": (bare.port, encode("GET", "/bottles-orm?limit=100")),
                "rest": (edge.port, encode("GET", "/api/v1/bottles?limit=100", None, edge.token)),
                "graphql": (edge.port, edge.graphql(NINE_FIELDS)),
            }
            for port, request in requests.values():
                _answers_a_hundred(port, request)
            return _figures(_measured(requests, plan, progress))


def _measured(
    requests: dict[str, tuple[int, bytes]], plan: Plan, progress: Progress
) -> dict[str, list[LoadResult]]:
    results: dict[str, list[LoadResult]] = {name: [] for name in requests}
    for turn in range(plan.rounds):
        progress.stage(f"lists {turn + 1}/{plan.rounds}")
        for name, (port, request) in requests.items():
            load = [request] * plan.amount(REQUESTS)
            results[name].append(run_load(port, load, CONNECTIONS))
    return results


def _fill(edge: Edge) -> None:
    bottles = [{"identifier": code, "party": "P-1"} for code in Codes(2).take(STORED)]
    body = {"bottles": bottles}
    call(edge.port, encode("POST", "/api/v1/bottles", body, edge.token))


def _answers_a_hundred(port: int, request: bytes) -> None:
    data = call(port, request)["data"]
    found = data if isinstance(data, list) else data["bottles"]["edges"]
    if len(found) != 100:
        raise RuntimeError(f"a list of {len(found)}, not of 100")


def _figures(results: dict[str, list[LoadResult]]) -> list[Figure]:
    speed = {name: [one.per_second for one in found] for name, found in results.items()}
    plain, orm, rest, graphql = (speed[name] for name in ("plain", "orm", "rest", "graphql"))
    return [
        Figure(NAME, "REST list / FastAPI over sqlite3", paired_ratio(rest, plain)),
        Figure(NAME, "REST list / FastAPI over an ORM session", paired_ratio(rest, orm)),
        Figure(NAME, "GraphQL list / FastAPI over sqlite3", paired_ratio(graphql, plain)),
        Figure(NAME, "GraphQL list / FastAPI over an ORM session", paired_ratio(graphql, orm)),
        *(Figure(NAME, f"{name} lists", median(speed[name]), "/s") for name in speed),
    ]

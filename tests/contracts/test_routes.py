"""The old API is exactly the one that its clients know: no route less, none more, and each open or
closed as it was."""

import csv
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts

from compat_rest.kernel.auth import anyone, caller
from compat_rest.kernel.dialect import dialect_app
from domain.kernel.errors import Unavailable
from graph.context import Context
from oktograph.contracts.descriptions import FACES
from tests.support.served_edge import ServedEdge

TABLE = Path(__file__).parent / "routes.csv"
# Beside the repository where the project is developed; a clone elsewhere has only our own table.
SHARED = Path(__file__).parents[3] / "shared" / "contracts" / "routes.csv"
ACCESS = {caller: "user", anyone: "public"}


class Row(NamedTuple):
    dialect: str
    method: str
    path: str
    access: str


def table() -> set[Row]:
    with TABLE.open(newline="") as file:
        return {Row(**row) for row in csv.DictReader(file)}


class NothingRuns:
    async def context(self, token: str | None) -> Context:
        raise Unavailable("not called")


def routes() -> set[Row]:
    """Of the applications themselves, documented or not, without their own `/openapi.json`."""
    found: set[Row] = set()
    for face in FACES:
        name = face.dialect.name
        for route in iter_route_contexts(dialect_app(face.dialect, NothingRuns()).routes):
            if isinstance(route.original_route, APIWebSocketRoute):
                found.add(Row(name, "WS", str(route.path), "user"))
            elif isinstance(route.original_route, APIRoute):
                access = [
                    ACCESS[one.call] for one in route.dependant.dependencies if one.call in ACCESS
                ]
                assert len(access) == 1, f"{route.path} names no caller, or two"
                found |= {Row(name, one, str(route.path), access[0]) for one in route.methods or ()}
    return found


def test_every_known_route_is_there_and_no_other() -> None:
    assert sorted(routes()) == sorted(table())


def test_the_description_says_the_same() -> None:
    documented: set[Row] = set()
    for face in FACES:
        paths = dialect_app(face.dialect, NothingRuns()).openapi()["paths"]
        for path, operations in paths.items():
            for method, operation in operations.items():
                access = "user" if operation["security"] else "public"
                documented.add(Row(face.dialect.name, method.upper(), path, access))
    assert sorted(documented) == sorted(row for row in table() if row.method != "WS")


@pytest.mark.skipif(not SHARED.exists(), reason="this clone stands alone")
def test_our_table_is_the_agreed_one() -> None:
    dialects = {face.dialect.name for face in FACES}
    with SHARED.open(newline="") as file:
        agreed = {
            Row(row["surface"], row["method"], row["path"], row["auth"].split()[0])
            for row in csv.DictReader(file)
            if row["surface"] in dialects
        }
    assert table() == agreed


def test_nobody_gets_in_without_a_token(edge: ServedEdge) -> None:
    with httpx2.Client(base_url=edge.url) as client:
        for row in sorted(table()):
            if row.method != "WS" and row.access == "user":
                answer = client.request(row.method, row.path.replace("{", "").replace("}", ""))
                assert answer.status_code == 401, row
                assert answer.json()["error"]["code"] == "UNAUTHORIZED", row


def test_public_routes_ask_for_no_token(edge: ServedEdge) -> None:
    with httpx2.Client(base_url=edge.url) as client:
        for row in sorted(table()):
            if row.access == "public":
                assert client.request(row.method, row.path).status_code != 401, row

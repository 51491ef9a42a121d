"""The old API is exactly the one that its clients know: no route less, none more, and each open or
closed as it was."""

import csv
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx2
import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts

from compat_rest.insight.auth import member
from compat_rest.kernel.auth import anyone, caller
from compat_rest.kernel.dialect import dialect_app
from compat_rest.okto_factory import device_ws
from compat_rest.okto_factory.auth import device_or_user, user, visitor
from compat_rest.ontakt import auth as ontakt
from compat_rest.otao import auth as otao
from compat_rest.updates.routes import device
from compat_rest.valtronics import auth as valtronics
from compat_rest.valtronics import messages as updates
from compat_rest.valtronics.auth import reader, writer
from oktograph.contracts.descriptions import FACES
from tests.contracts.conftest import Services

TABLE = Path(__file__).parent / "routes.csv"
# Beside the repository where the project is developed; a clone elsewhere has only our own table.
SHARED = Path(__file__).parents[3] / "shared" / "contracts" / "routes.csv"
ACCESS: Final[dict[Any, str]] = {
    reader: valtronics.READ,
    writer: valtronics.WRITE,
    otao.reader: otao.READ,
    otao.updater: otao.UPDATE,
    otao.remover: otao.DELETE,
    otao.endpoint_reader: otao.ENDPOINT,
    anyone: "public",
    caller: "user",
    device: "device",
    ontakt.keeper: ontakt.HEADER,
    ontakt.member: ontakt.HEADER,
    ontakt.restarter: ontakt.HEADER,
    device_or_user: "device",
    member: "IdToken",
    user: "user",
    visitor: "public",
}
# Which users may write a catalogue is the resolvers' business.
AGREED: Final = {"ADMIN": "user"}
SOCKETS: Final = {
    ("okto-factory", device_ws.PATH): "device",
    ("valtronics", updates.PATH): valtronics.READ,
}
"""Those that are not for any user."""
ADDED: Final = {
    # The old description has its OPTIONS alone, which is not what anybody wants of it.
    ("insight", "POST", "/{customer_id}/generate-download-url"),
}
"""Routes that no old description has."""
NO_TOKEN: Final = {
    "insight": ("title", "Unauthorized"),
    "ontakt": ("error", ontakt.INVALID),
    "otao": ("message", "Invalid or missing token"),
    "updates": ("message", "Invalid or missing token"),
    "valtronics": ("error", "code", "AUTHORIZATION_ERROR"),
}
"""Where the code for that is in a body, and what it is, where that is not as elsewhere."""
OURS: Final = {"updates"}
"""Dialects of no old system."""
PREFIXES: Final = {face.dialect.name: face.prefix for face in FACES}
NAMES: Final = list(PREFIXES)


class Row(NamedTuple):
    dialect: str
    method: str
    path: str
    access: str


def table() -> set[Row]:
    with TABLE.open(newline="") as file:
        return {Row(**row) for row in csv.DictReader(file)}


def routes() -> set[Row]:
    """Of the applications themselves, documented or not, without their own `/openapi.json`."""
    found: set[Row] = set()
    for face in FACES:
        name = face.dialect.name
        for route in iter_route_contexts(dialect_app(face.dialect).routes):
            if isinstance(route.original_route, APIWebSocketRoute):
                path = str(route.path)
                found.add(Row(name, "WS", path, SOCKETS.get((name, path), "user")))
            elif isinstance(route.original_route, APIRoute):
                callers = [
                    ACCESS[one.call] for one in route.dependant.dependencies if one.call in ACCESS
                ]
                assert len(callers) == 1, f"{route.path} names no caller, or two"
                path = str(route.path_format)
                found |= {Row(name, one, path, *callers) for one in route.methods or ()}
    return found


def test_every_known_route_is_there_and_no_other() -> None:
    assert sorted(routes()) == sorted(table())


def test_the_description_says_the_same() -> None:
    documented: set[Row] = set()
    for face in FACES:
        paths = dialect_app(face.dialect).openapi()["paths"]
        for path, operations in paths.items():
            for method, operation in operations.items():
                access = "user" if operation["security"] else "public"
                documented.add(Row(face.dialect.name, method.upper(), path, access))
    told = {row._replace(access=_told(row.access)) for row in table() if row.method != "WS"}
    assert sorted(documented) == sorted(told)


def _told(access: str) -> str:
    """OpenAPI knows tokens, and not whose they are."""
    return "public" if access == "public" else "user"


@pytest.mark.skipif(not SHARED.exists(), reason="this clone stands alone")
def test_our_table_is_the_agreed_one() -> None:
    dialects = {face.dialect.name for face in FACES} - OURS
    with SHARED.open(newline="") as file:
        agreed = {
            Row(row["surface"], row["method"], _below(row), AGREED.get(word, word))
            for row in csv.DictReader(file)
            if row["surface"] in dialects
            for word in (row["auth"].removeprefix("OAuth2 scope ").split()[0],)
        }
    old = {row for row in table() if row.dialect not in OURS}
    assert {row for row in old if row[:3] not in ADDED} == agreed


def _below(row: dict[str, str]) -> str:
    """Some are listed with what their dialect is mounted on."""
    return row["path"].removeprefix(PREFIXES[row["surface"]] or "/nothing")


@pytest.mark.parametrize("name", NAMES)
def test_nobody_gets_in_without_a_token(services: Services, name: str) -> None:
    with httpx2.Client(base_url=services[name].url) as client:
        for row in sorted(table()):
            if row.dialect == name and row.method != "WS" and row.access != "public":
                path = PREFIXES[name] + row.path.replace("{", "").replace("}", "")
                answer = client.request(row.method, path)
                assert answer.status_code == 401, row
                *place, code = NO_TOKEN.get(name, ("error", "code", "UNAUTHORIZED"))
                assert reduce(getitem, place, answer.json()) == code, row


@pytest.mark.parametrize("name", NAMES)
def test_public_routes_ask_for_no_token(services: Services, name: str) -> None:
    with httpx2.Client(base_url=services[name].url) as client:
        for row in sorted(table()):
            if row.dialect == name and row.access == "public":
                path = PREFIXES[name] + row.path
                assert client.request(row.method, path).status_code != 401, row

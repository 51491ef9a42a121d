"""Every route, held against every kind of actor; who may not changes nothing."""

import csv
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

from domain.identity.mappings import OTAO
from tests.support.clients import Client
from tests.support.factory import FactoryServer
from tests.support.factory_api import neighbour
from tests.support.otao import (
    API,
    ENDPOINT,
    create,
    done,
    endpoint,
    refused,
    report,
    upload,
)
from tests.support.served import ROLES
from tests.support.tokens import program

TABLE = Path(__file__).parents[2] / "contracts" / "routes.csv"
READ, UPDATE, DELETE, RUNS = OTAO
MAY = {
    "operator": {READ, RUNS},
    "auditor": {READ, RUNS},
    "manager": {READ, UPDATE, RUNS},
    "admin": {READ, UPDATE, DELETE, RUNS},
}


class Call(NamedTuple):
    method: str
    path: str
    needs: str
    body: dict[str, Any] | None = None
    files: dict[str, Any] | None = None


VERSIONS = "/api/v1/applications/{appName}/software"
VERSION = VERSIONS + "/{softwareVersion}"
CHANGE = {"rolloutStrategy": "suspended"}
CALLS = (
    Call("GET", VERSIONS, READ),
    Call("GET", VERSION, READ),
    Call("PUT", VERSION, UPDATE, CHANGE),
    Call("POST", VERSION, UPDATE, {"rolloutStrategy": "general"}),
    Call("PUT", VERSION + "/files", UPDATE, None, {"file": ("sketch.bin", b"new")}),
    Call("GET", VERSION + "/files/{fileName}/links", READ),
    Call("GET", "/api/v1/endpoints/{endpointId}/software/current", RUNS),
    Call("DELETE", VERSION + "/files/{fileName}", DELETE),
    Call("DELETE", VERSION, DELETE),
)
"""What takes away what others ask for goes last."""


def test_every_route_is_called() -> None:
    with TABLE.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dialect"] == "otao"]
    table = {(row["method"], row["path"], row["access"]) for row in rows}
    assert {(call.method, call.path, call.needs) for call in CALLS} == table


async def send(client: Client, call: Call) -> httpx2.Response:
    version = "2.0.0" if call.method == "POST" else "1.0.0"
    path = call.path.format(
        appName="smart-kettle", softwareVersion=version, fileName="sketch.bin", endpointId=ENDPOINT
    )
    return await client.http.request(call.method, "/otao" + path, json=call.body, files=call.files)


async def stock(factory: FactoryServer, client: Client) -> None:
    """An endpoint that runs another version than the one that is asked about."""
    await create(client, "1.0.0")
    done(await upload(client, "1.0.0"))
    await create(client, "0.9.0")
    await report(await endpoint(factory, client), "0.9.0")


async def held_against(factory: FactoryServer, client: Client, scopes: set[str]) -> None:
    """Denied first, and nothing has changed; then what is allowed."""
    before = await factory.contents()
    for call in CALLS:
        if call.needs not in scopes:
            told = refused(await send(client, call), 403 if call.needs == DELETE else 404)
            words = {DELETE: "Insufficient permissions", RUNS: "Endpoint not found"}
            assert told == words.get(call.needs, "Software not found")
    assert await factory.contents() == before
    for call in CALLS:
        if call.needs in scopes:
            answer = await send(client, call)
            assert answer.is_success, (call, answer.text)


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_what_is_its_own(
    factory: FactoryServer, manager: Client, role: str
) -> None:
    await stock(factory, manager)
    await held_against(factory, await factory.logged_in(role), MAY[role])


@pytest.mark.parametrize(
    "scopes", [(READ,), (UPDATE,), (DELETE,), (RUNS,), (READ, RUNS), tuple(OTAO), ("device:read",)]
)
async def test_a_program_may_what_its_scopes_say(
    factory: FactoryServer, manager: Client, scopes: tuple[str, ...]
) -> None:
    """A smaller scope, and one of another dialect, open no more than they say."""
    await stock(factory, manager)
    # Both dialects' names stand for reading a device.
    held = set(scopes) | ({RUNS} if "device:read" in scopes else set())
    await held_against(factory, await program(factory, *scopes), held)


async def test_nobody_gets_in(factory: FactoryServer, manager: Client) -> None:
    await stock(factory, manager)
    before = await factory.contents()
    head, payload, signature = (manager.token or "").split(".")
    forged = ["nonsense", f"{head}.{payload}.{signature[:-4]}AAAA", "eyJhbGciOiJub25lIn0.e30."]
    for client in (factory.client(), *(factory.client(one) for one in forged)):
        for call in CALLS:
            answer = await send(client, call)
            assert refused(answer, 401) == "Invalid or missing token"
            assert answer.headers["www-authenticate"] == "Bearer"
    assert await factory.contents() == before


@pytest.mark.parametrize("scheme", ["bearer", "Bearer", "BEARER"])
async def test_the_scheme_is_taken_in_any_case(
    factory: FactoryServer, manager: Client, scheme: str
) -> None:
    await create(manager, "1.0.0")
    headers = {"authorization": f"{scheme} {manager.token}"}
    path = f"{API}/applications/smart-kettle/software"
    assert (await factory.client().http.get(path, headers=headers)).status_code == 200


async def test_a_devices_token_opens_nothing_here(factory: FactoryServer, manager: Client) -> None:
    await stock(factory, manager)
    await held_against(factory, await endpoint(factory, manager, "another"), set())


async def test_another_customers_member_sees_and_changes_nothing(
    factory: FactoryServer, manager: Client
) -> None:
    await stock(factory, manager)
    stranger = await neighbour(factory)
    before = await factory.contents()
    for call in CALLS:
        if call.method != "POST":
            refused(await send(stranger, call), 404)
    assert await factory.contents() == before
    done(await send(stranger, CALLS[3]), 201)
    mine = await manager.http.get(f"{API}/applications/smart-kettle/software")
    assert [one["version"] for one in mine.json()] == ["0.9.0", "1.0.0"]


async def test_the_demos_client_may_all(factory: FactoryServer, manager: Client) -> None:
    await stock(factory, manager)
    form = {"grant_type": "client_credentials"}
    account = ("demo-client", "demo-secret")
    answer = await factory.client().http.post("/oauth2/token", data=form, auth=account)
    client = factory.client(answer.json()["access_token"])
    await held_against(factory, client, set(OTAO))

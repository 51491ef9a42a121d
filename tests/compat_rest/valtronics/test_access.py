"""Every route, held against every kind of actor; who may not changes nothing."""

import csv
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from compat_rest.valtronics.auth import READ, WRITE, require
from compat_rest.valtronics.errors import ERRORS
from domain.fleet.commands import (
    DeviceFilter,
    RegisterDevice,
    SetConfiguration,
    SetDeviceStatus,
    UpdateDevice,
)
from domain.fleet.rules import StatisticsRange
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.errors import Forbidden
from domain.kernel.permissions import Permission, Role
from graph.context import Context
from graph.fleet import resolvers
from tests.support.clients import Client
from tests.support.factory import FactoryServer
from tests.support.factory_api import device_client, neighbour
from tests.support.served import ROLES
from tests.support.valtronics import DEVICES, create, data, error

TABLE = Path(__file__).parents[2] / "contracts" / "routes.csv"
WRITERS = frozenset({"manager", "admin"})
INSUFFICIENT = "Insufficient permissions to access this device"


class Call(NamedTuple):
    """`needs` as the dialect calls it."""

    method: str
    path: str
    needs: str
    body: Any = None


NEW = {"name": "New", "device_id": "new", "device_type": "sensor"}
CALLS = (
    Call("GET", "", "device:read"),
    Call("POST", "", "device:write", NEW),
    Call("GET", "stats", "device:read"),
    Call("GET", "status/{status}", "device:read"),
    Call("GET", "{device_id}", "device:read"),
    Call("PUT", "{device_id}", "device:write", {"name": "Other"}),
    Call("DELETE", "{device_id}", "device:write"),
    Call("PUT", "{device_id}/status", "device:write", {"status": "error"}),
    Call("GET", "{device_id}/configuration", "device:read"),
    Call("PUT", "{device_id}/configuration", "device:write", {"configuration": {"a": 1}}),
)
BULK = Call("POST", "", "device:write", [NEW])
NAMED = [call for call in CALLS if "{device_id}" in call.path]


def test_every_route_is_called() -> None:
    with TABLE.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dialect"] == "valtronics"]
    table = {(row["method"], row["path"], row["access"]) for row in rows if row["method"] != "WS"}
    assert {(call.method, "/api/v1/devices/" + call.path, call.needs) for call in CALLS} == table


async def send(client: Client, call: Call, number: int = 1) -> Any:
    path = call.path.format(device_id=number, status="online")
    return await client.http.request(call.method, DEVICES + path, json=call.body)


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_what_is_its_own(
    factory: FactoryServer, manager: Client, role: str
) -> None:
    await create(manager)
    client = await factory.logged_in(role)
    before = await factory.contents()
    for call in (*CALLS, BULK):
        if call.needs == "device:write" and role not in WRITERS:
            assert error(await send(client, call), 403) == {
                "code": "AUTHORIZATION_ERROR",
                "message": INSUFFICIENT,
                "details": {
                    "required_permission": "device:write",
                    "user_permissions": ["device:read"],
                },
            }
    assert await factory.contents() == before
    # What takes away what others ask for goes last.
    for call in sorted(CALLS, key=lambda call: call.method == "DELETE"):
        if call.needs == "device:read" or role in WRITERS:
            data(await send(client, call))


def forged(token: str) -> list[str]:
    """Tokens that are none, with what a good one would say."""
    head, payload, signature = token.split(".")
    claims = {"sub": "0" * 32, "role": "ADMIN", "kind": "user", "exp": 4_000_000_000}
    other = jwt.encode({"alg": "ES256"}, claims, ECKey.generate_key("P-256"), algorithms=["ES256"])
    unsigned = "eyJhbGciOiJub25lIn0." + payload + "."
    return ["nonsense", f"{head}.{payload}.{signature[:-4]}AAAA", unsigned, other]


async def test_nobody_gets_in(factory: FactoryServer, manager: Client) -> None:
    await create(manager)
    clients = [factory.client(), *(factory.client(one) for one in forged(manager.token or ""))]
    before = await factory.contents()
    for call in (*CALLS, BULK):
        for client in clients:
            answer = await send(client, call)
            found = error(answer, 401)
            assert found == {"code": "AUTHORIZATION_ERROR", "message": "Invalid or missing token"}
            assert answer.headers["www-authenticate"] == "Bearer"
    basic = await clients[0].http.get(DEVICES, headers={"authorization": "Basic YTpi"})
    error(basic, 401)
    assert await factory.contents() == before


async def test_the_scheme_is_taken_in_any_case(manager: Client, factory: FactoryServer) -> None:
    headers = {"authorization": f"bearer {manager.token}"}
    data(await factory.client().http.get(DEVICES, headers=headers))


async def test_a_devices_token_opens_nothing_here(factory: FactoryServer, manager: Client) -> None:
    await create(manager)
    device = await device_client(factory, manager, "TEMP-001")
    before = await factory.contents()
    for call in (*CALLS, BULK):
        assert error(await send(device, call), 403)["details"] == {
            "required_permission": call.needs,
            "user_permissions": [],
        }
    assert await factory.contents() == before


@pytest.mark.parametrize("role", [Role.ADMIN, Role.OPERATOR])
async def test_another_customers_member_sees_and_changes_nothing(
    factory: FactoryServer, manager: Client, role: Role
) -> None:
    await create(manager, status="online")
    stranger = await neighbour(factory, role)
    before = await factory.contents()
    for call in NAMED:
        allowed = call.needs == "device:read" or role is Role.ADMIN
        found = error(await send(stranger, call), 404 if allowed else 403)
        assert not allowed or found["details"] == {"device_id": 1}
    for path in ("", "status/online"):
        assert data(await stranger.http.get(DEVICES + path))["items"] == []
    assert data(await stranger.http.get(DEVICES + "stats"))["total_devices"] == 0
    assert await factory.contents() == before


async def test_a_key_and_a_number_are_each_customers_own(
    factory: FactoryServer, manager: Client
) -> None:
    mine = await create(manager, "TEMP-001", name="mine")
    await create(manager, "TEMP-002")
    theirs = await create(await neighbour(factory), "TEMP-001", name="theirs")
    assert (mine["id"], theirs["id"]) == (1, 1)
    shown = data(await manager.http.get(DEVICES + "1"))
    assert shown["name"] == "mine"


CLIENT = """mutation ($input: CreateOAuthClientInput!) { createOAuthClient(input: $input) {
  secret client { clientId } } }"""


async def program(factory: FactoryServer, *scopes: str) -> Client:
    """With a token of a client that was given these."""
    admin = await factory.logged_in("admin")
    given = {"name": "Dashboard", "scopes": list(scopes)}
    made = (await admin.ask(CLIENT, input=given))["createOAuthClient"]
    account = (made["client"]["clientId"], made["secret"])
    form = {"grant_type": "client_credentials"}
    answer = await factory.client().http.post("/oauth2/token", data=form, auth=account)
    return factory.client(answer.json()["access_token"])


@pytest.mark.parametrize(
    ("scopes", "shown"),
    [
        (("device:read",), ["device:read"]),
        (("device:write",), ["device:write"]),
        (("device:read", "device:write"), ["device:read", "device:write"]),
        (("endpoint:read",), []),
    ],
)
async def test_a_program_may_what_its_scopes_say(
    factory: FactoryServer, manager: Client, scopes: tuple[str, ...], shown: list[str]
) -> None:
    """A smaller scope, and a scope of another dialect, open no more than they say."""
    await create(manager)
    client = await program(factory, *scopes)
    before = await factory.contents()
    for call in (*CALLS, BULK):
        if not {call.needs, "device:read"} <= set(shown):
            details = error(await send(client, call), 403)["details"]
            assert details["user_permissions"] == shown
            assert details["required_permission"] not in shown
    assert await factory.contents() == before
    for call in sorted(CALLS, key=lambda call: call.method == "DELETE"):
        if {call.needs, "device:read"} <= set(shown):
            data(await send(client, call))


async def test_the_demos_key_opens_all(factory: FactoryServer) -> None:
    client = factory.client("demo-ontakt-key")
    await create(client)
    for call in sorted(CALLS, key=lambda call: call.method == "DELETE"):
        data(await send(client, call))


READ_ONLY = frozenset(
    {
        Permission.FLEET_CONFIGURATION_READ,
        Permission.FLEET_DEVICE_READ,
        Permission.FLEET_TELEMETRY_READ,
    }
)
WRITE_ONLY = frozenset(
    {
        Permission.FLEET_CONFIGURATION_WRITE,
        Permission.FLEET_DEVICE_REPORT,
        Permission.FLEET_DEVICE_WRITE,
    }
)


def holding(factory: FactoryServer, permissions: frozenset[Permission]) -> Context:
    actor = Actor(ActorKind.USER, factory.customer_id, "1" * 32, "part", permissions)
    return factory.context(actor)


@pytest.mark.parametrize(
    ("permissions", "shown", "missing"),
    [
        (frozenset(), [], "device:write"),
        (READ_ONLY, ["device:read"], "device:write"),
        (WRITE_ONLY, ["device:write"], "device:read"),
        (READ_ONLY - {Permission.FLEET_TELEMETRY_READ}, [], "device:write"),
    ],
)
def test_whoever_holds_a_part_is_told_what_is_missing(
    factory: FactoryServer, permissions: frozenset[Permission], shown: list[str], missing: str
) -> None:
    """Tokens of programs may carry less than a role."""
    with pytest.raises(Forbidden) as refused:
        require(holding(factory, permissions), WRITE, READ)
    body = ERRORS.shape(refused.value.code, refused.value.message, refused.value.details)
    assert body["error"]["details"] == {
        "required_permission": missing,
        "user_permissions": shown,
    }


async def test_both_permissions_are_enough_for_all(factory: FactoryServer) -> None:
    """No resolver behind these routes asks for anything else."""
    writer = holding(factory, READ_ONLY | WRITE_ONLY)
    made = await resolvers.register_device(
        writer, RegisterDevice.of(identifier="a", configuration={"a": 1})
    )
    await resolvers.register_devices(writer, [RegisterDevice.of(identifier="b")])
    await resolvers.update_device(
        writer, UpdateDevice.of(device="a", status="ERROR", configuration={})
    )
    await resolvers.set_device_status(writer, SetDeviceStatus.of(device="a", status="ONLINE"))
    await resolvers.set_configuration(writer, SetConfiguration.of(device="a", document={}))
    reader = holding(factory, READ_ONLY)
    await resolvers.device_page(
        reader, DeviceFilter(), sort="name", descending=False, offset=0, limit=1
    )
    await resolvers.device_by_number(reader, 1)
    await resolvers.desired_configuration(reader, made.id)
    await resolvers.device_overview(reader, 1, StatisticsRange.LAST_DAY)
    await resolvers.device_statistics(reader, StatisticsRange.LAST_DAY)
    await resolvers.remove_device(writer, "a")

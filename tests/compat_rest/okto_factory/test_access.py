"""Who may call what: every route, held against every kind of token."""

import csv
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from domain.fleet.repository import devices
from domain.identity import repository as identity
from domain.kernel.permissions import Role
from drivers.identity.actors import Tokens
from drivers.identity.keys import KeyRing
from drivers.identity.tokens import TokenSettings
from tests.support.clients import Client, Json
from tests.support.clocks import ManualClock
from tests.support.factory import FactoryServer
from tests.support.factory_api import NOBODY, data, device_client, error, neighbour, register
from tests.support.served import ROLES

TABLE = Path(__file__).parents[2] / "contracts" / "routes.csv"
READERS = frozenset(ROLES)
OVERSIGHT = READERS - {"operator"}
MANAGERS = frozenset({"manager", "admin"})
WORKERS = MANAGERS | {"operator"}
ADMINS = frozenset({"admin"})


class Known(NamedTuple):
    """What is there to be called: a device, a group, a release, a command."""

    device: Json
    group: Json
    release: Json
    command: Json


class Call(NamedTuple):
    """`who` may; `body` is JSON, or bytes as they are."""

    method: str
    path: str
    who: frozenset[str]
    body: Any = None
    query: str = ""


ORDER = {"command": {"type": "force_sync", "id": "another"}, "timeoutMs": 50}
CALLS = (
    Call("GET", "/api/v1/devices", READERS),
    Call("POST", "/api/v1/devices", MANAGERS, {"identifier": "edge-009"}),
    Call("GET", "/api/v1/devices/connected", READERS),
    Call("GET", "/api/v1/devices/{id}", READERS),
    Call("PUT", "/api/v1/devices/{id}", MANAGERS, {"location": "x"}),
    Call("DELETE", "/api/v1/devices/{id}", MANAGERS),
    Call("POST", "/api/v1/devices/{id}/heartbeat", MANAGERS, {"status": "error"}),
    Call("POST", "/api/v1/sync", WORKERS, {"deviceId": "edge-001"}),
    Call("GET", "/api/v1/connection/settings", READERS),
    Call("PUT", "/api/v1/connection/settings", MANAGERS, {"cloudSyncEnabled": False}),
    Call("GET", "/api/v1/dashboard/overview", READERS),
    Call("POST", "/api/v1/devices/{id}/commands", MANAGERS, ORDER),
    Call("GET", "/api/v1/devices/{id}/commands", READERS),
    Call("GET", "/api/v1/devices/{id}/commands/{cmdId}", READERS),
    Call("GET", "/api/v1/devices/{id}/logs", READERS),
    Call("GET", "/api/v1/device-groups", READERS),
    Call("POST", "/api/v1/device-groups", MANAGERS, {"name": "another"}),
    Call("GET", "/api/v1/device-groups/{id}", READERS),
    Call("PUT", "/api/v1/device-groups/{id}", MANAGERS, {"name": "other"}),
    Call("DELETE", "/api/v1/device-groups/{id}", MANAGERS),
    Call("GET", "/api/v1/device-groups/{id}/members", READERS),
    Call("POST", "/api/v1/device-groups/{id}/members", MANAGERS, {"deviceIds": ["edge-002"]}),
    Call("DELETE", "/api/v1/device-groups/{id}/members", MANAGERS, {"deviceIds": ["edge-001"]}),
    Call("POST", "/api/v1/device-groups/{id}/commands", MANAGERS, ORDER),
    Call("GET", "/api/v1/firmware/releases", READERS),
    Call(
        "POST",
        "/api/v1/firmware/releases",
        MANAGERS,
        b"firmware",
        "?version=2.0.0&filename=b.bin",
    ),
    Call("GET", "/api/v1/firmware/releases/{id}", READERS),
    Call("DELETE", "/api/v1/firmware/releases/{id}", ADMINS),
    Call("GET", "/api/v1/firmware/releases/{id}/artifact", READERS),
    Call("GET", "/api/v1/firmware/deployments", READERS),
    Call(
        "POST",
        "/api/v1/firmware/deployments",
        MANAGERS,
        {"releaseId": "{release}", "deviceIds": ["edge-001"]},
    ),
    Call("GET", "/api/v1/devices/{id}/config", READERS),
    Call("PUT", "/api/v1/devices/{id}/config", MANAGERS, {"config": {"a": 1}}),
    Call("GET", "/api/v1/audit-log", OVERSIGHT),
    Call("POST", "/api/v1/devices/{id}/token", MANAGERS),
    Call("GET", "/api/v1/catalog/cloud-endpoints", READERS),
    Call("POST", "/api/v1/catalog/cloud-endpoints", MANAGERS, {"name": "a", "url": "http://a.b"}),
    Call("DELETE", "/api/v1/catalog/cloud-endpoints/{id}", MANAGERS),
    Call("GET", "/api/v1/catalog/sites", READERS),
    Call("POST", "/api/v1/catalog/sites", MANAGERS, {"code": "a", "name": "a"}),
    Call("DELETE", "/api/v1/catalog/sites/{code}", MANAGERS),
    Call("GET", "/api/v1/catalog/variants", READERS),
    Call("POST", "/api/v1/catalog/variants", MANAGERS, {"code": "a", "name": "a"}),
    Call("DELETE", "/api/v1/catalog/variants/{code}", MANAGERS),
)
DEVICES_OWN = frozenset(
    {
        "/api/v1/devices/{id}/heartbeat",
        "/api/v1/sync",
        "/api/v1/firmware/releases/{id}/artifact",
    }
)
OPEN = frozenset({"/health", "/api/v1/auth/login"})


def test_every_route_is_called() -> None:
    with TABLE.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dialect"] == "okto-factory"]
    table = {(row["method"], row["path"]) for row in rows if row["method"] != "WS"}
    assert {(call.method, call.path) for call in CALLS} == {
        (method, path) for method, path in table if path not in OPEN
    }
    device = {row["path"] for row in rows if row["access"] == "device" and row["method"] != "WS"}
    assert device == DEVICES_OWN


@pytest.fixture
async def known(manager: Client) -> Known:
    device = await register(manager)
    await register(manager, "edge-002")
    groups = "/api/v1/device-groups"
    group = await manager.http.post(groups, json={"name": "all", "deviceIds": ["edge-001"]})
    upload = "/api/v1/firmware/releases?version=1.0.0&filename=a.bin"
    release = await manager.http.post(upload, content=b"x")
    order = {"command": {"type": "pull_logs", "id": "first"}, "timeoutMs": 50}
    command = await manager.http.post("/api/v1/devices/edge-001/commands", json=order)
    return Known(device, data(group), data(release), data(command))


async def send(client: Client, call: Call, known: Known) -> Any:
    key = {"device-groups": known.group["id"], "firmware": known.release["id"]}
    part = call.path.split("/")[3]
    path = call.path.replace("{id}", key.get(part, "edge-001")).replace("{code}", "x")
    path = path.replace("{cmdId}", "first") + call.query
    if isinstance(call.body, bytes):
        return await client.http.request(call.method, path, content=call.body)
    body = call.body
    if isinstance(body, dict) and "releaseId" in body:
        body = body | {"releaseId": known.release["id"]}
    return await client.http.request(call.method, path, json=body)


def forged(factory: FactoryServer, token: str) -> list[str]:
    """Tokens that are none, with what a good one would say."""
    head, payload, signature = token.split(".")
    claims = {"sub": NOBODY, "role": "ADMIN", "kind": "user", "exp": 4_000_000_000}
    other = jwt.encode({"alg": "ES256"}, claims, ECKey.generate_key("P-256"), algorithms=["ES256"])
    unsigned = "eyJhbGciOiJub25lIn0." + payload + "."
    return ["nonsense", f"{head}.{payload}.{signature[:-4]}AAAA", unsigned, other]


async def expired(factory: FactoryServer) -> list[str]:
    """Signed with the factory's own key, for a user and a device of its own, long ago."""
    clock = ManualClock()
    keys = KeyRing(factory.runtime.settings.data_dir / "keys")
    old = Tokens(keys, TokenSettings(), clock, {})
    services = factory.runtime.services
    async with services.database.read() as session:
        user = await identity.credential(session, "admin")
        device = await devices.find(session, factory.customer_id, "edge-001")
    assert user is not None
    assert device is not None
    customer = factory.runtime.core.customer.public_id
    return [
        old.issue(user.user).token,
        old.issue_device(device.id, device.identifier, customer).token,
    ]


async def test_bad_tokens_open_nothing(
    factory: FactoryServer, manager: Client, known: Known
) -> None:
    bad = forged(factory, manager.token or "") + await expired(factory)
    clients = [factory.client(token) for token in bad]
    before = await factory.contents()
    for call in CALLS:
        for client in clients:
            answer = await send(client, call, known)
            error(answer, "UNAUTHORIZED")
            assert answer.headers["www-authenticate"] == "Bearer"
    assert await factory.contents() == before


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_what_is_its_own(factory: FactoryServer, known: Known, role: str) -> None:
    client = await factory.logged_in(role)
    refused = [call for call in CALLS if role not in call.who]
    before = await factory.contents()
    for call in refused:
        error(await send(client, call, known), "FORBIDDEN")
    assert await factory.contents() == before
    # What takes away what others ask for goes last.
    allowed = [call for call in CALLS if role in call.who]
    for call in sorted(allowed, key=lambda call: call.method == "DELETE"):
        answer = await send(client, call, known)
        assert answer.status_code in (200, 404, 409), (call, answer.text)


async def test_a_devices_token_opens_what_is_its_own(
    factory: FactoryServer, manager: Client, known: Known
) -> None:
    device = await device_client(factory, manager, "edge-001")
    before = await factory.contents()
    for call in CALLS:
        if call.path in DEVICES_OWN:
            continue
        found = error(await send(device, call, known), "FORBIDDEN") if _is_closed(call) else None
        assert found is None or "device" in found["message"].lower()
    assert await factory.contents() == before
    for call in CALLS:
        if call.path in DEVICES_OWN:
            assert (await send(device, call, known)).status_code == 200, call


def _is_closed(call: Call) -> bool:
    """All but the catalogues, which anybody reads."""
    return not (call.method == "GET" and "/catalog/" in call.path)


async def test_a_devices_token_opens_nothing_of_another_device(
    factory: FactoryServer, manager: Client, known: Known
) -> None:
    device = await device_client(factory, manager, "edge-002")
    before = await factory.contents()
    for call in CALLS:
        if _is_closed(call) and not call.path.endswith("/artifact"):
            error(await send(device, call, known), "FORBIDDEN")
    assert await factory.contents() == before


async def test_a_removed_devices_token_is_dead_at_once(
    factory: FactoryServer, manager: Client, known: Known
) -> None:
    device = await device_client(factory, manager, "edge-001")
    assert (await device.http.post("/api/v1/devices/edge-001/heartbeat", json={})).is_success
    await manager.http.delete("/api/v1/devices/edge-001")
    before = await factory.contents()
    for call in CALLS:
        error(await send(device, call, known), "UNAUTHORIZED")
    assert await factory.contents() == before


async def test_older_tokens_end_where_that_is_asked_for(
    factory: FactoryServer, manager: Client, known: Known
) -> None:
    old = await device_client(factory, manager, "edge-001")
    issued = await manager.http.post("/api/v1/devices/edge-001/token?endOthers=true")
    new = factory.client(data(issued)["token"])
    beat = "/api/v1/devices/edge-001/heartbeat"
    error(await old.http.post(beat, json={}), "UNAUTHORIZED")
    assert (await new.http.post(beat, json={})).status_code == 200


@pytest.mark.parametrize("role", [Role.ADMIN, Role.OPERATOR])
async def test_another_customers_member_sees_and_changes_nothing(
    factory: FactoryServer, known: Known, role: Role
) -> None:
    stranger = await neighbour(factory, role)
    before = await factory.contents()
    named = [call for call in CALLS if "{" in call.path]
    for call in named:
        answer = await send(stranger, call, known)
        code = "NOT_FOUND" if role.name.lower() in call.who else "FORBIDDEN"
        error(answer, code)
    for path in ("devices", "devices/connected", "device-groups", "firmware/releases"):
        assert data(await stranger.http.get(f"/api/v1/{path}")) == []
    deployments = f"/api/v1/firmware/deployments?deviceId={known.device['uuid']}"
    assert data(await stranger.http.get(deployments)) == []
    if role is Role.ADMIN:
        audit = f"/api/v1/audit-log?entityId={known.device['uuid']}"
        assert data(await stranger.http.get(audit)) == []
        deploy = {"releaseId": known.release["id"], "deviceIds": ["edge-001"]}
        where = "/api/v1/firmware/deployments"
        error(await stranger.http.post(where, json=deploy), "NOT_FOUND")
    assert await factory.contents() == before

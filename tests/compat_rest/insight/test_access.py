"""Every route of these topics, held against every kind of actor; who may not changes nothing."""

from typing import Any, NamedTuple

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from domain.identity import operations as identity
from domain.identity.commands import CreateUser
from domain.kernel.actor import system_actor
from domain.kernel.ids import new_id
from domain.kernel.permissions import Role
from tests.support.clients import Client, Json
from tests.support.databases import new_customer
from tests.support.factory import FactoryServer
from tests.support.factory_api import device_client, register
from tests.support.insight import MORNING_MS, base_of, error, ok, scan, uuid
from tests.support.oauth import basic
from tests.support.served import ROLES

NOBODY = uuid("0" * 32)
EVERYBODY = frozenset(ROLES)
OVERSIGHT = EVERYBODY - {"operator"}
ADMINS = frozenset({"admin"})
JOHN = {"first_name": "John", "last_name": "Doe", "role": "USER_ROLE", "email": "j@example.com"}


class Call(NamedTuple):
    """`needs` as the dialect calls it."""

    method: str
    path: str
    who: frozenset[str]
    status: int
    needs: str = ""
    body: Any = None


CALLS = (
    Call("GET", "events", EVERYBODY, 200, "event.read"),
    Call("GET", "events/export", EVERYBODY, 201, "event.export"),
    Call("POST", "events/export/tasks", EVERYBODY, 202, "event.export"),
    Call("GET", f"events/export/tasks/{NOBODY}", EVERYBODY, 404, "event.export"),
    Call("GET", "roles", OVERSIGHT, 200, "users.read"),
    Call("GET", "users", OVERSIGHT, 200, "users.read"),
    Call("GET", f"users/{NOBODY}", OVERSIGHT, 404, "users.read"),
    Call("POST", "users", ADMINS, 200, "users.create", JOHN),
    Call("PATCH", f"users/{NOBODY}", ADMINS, 404, "users.create", {"last_name": "a"}),
    Call("DELETE", f"users/{NOBODY}", ADMINS, 404, "users.create"),
    Call("GET", "me", EVERYBODY, 200),
    Call("GET", "me/consents", EVERYBODY, 200),
    Call("POST", "me/consents", EVERYBODY, 204, body={"privacy_policy_version": "1"}),
)


async def send(client: Client, base: str, call: Call) -> Any:
    return await client.http.request(call.method, f"{base}/{call.path}", json=call.body)


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_what_is_its_own(factory: FactoryServer, role: str) -> None:
    client = await factory.logged_in(role)
    base = await base_of(client)
    before = await factory.contents()
    for call in CALLS:
        if role not in call.who:
            details = error(await send(client, base, call), 403)
            assert details == f"Insufficient permissions: {call.needs} is needed"
    assert await factory.contents() == before
    for call in CALLS:
        if role in call.who:
            answer = await send(client, base, call)
            assert answer.status_code == call.status, (call, answer.text)


def forged(token: str) -> list[str]:
    """Tokens that are none, with what a good one would say."""
    head, payload, signature = token.split(".")
    claims = {"sub": "0" * 32, "role": "ADMIN", "kind": "user", "exp": 4_000_000_000}
    other = jwt.encode({"alg": "ES256"}, claims, ECKey.generate_key("P-256"), algorithms=["ES256"])
    unsigned = "eyJhbGciOiJub25lIn0." + payload + "."
    return ["nonsense", f"{head}.{payload}.{signature[:-4]}AAAA", unsigned, other, "Basic YTpi"]


async def test_nobody_gets_in(factory: FactoryServer, operator: Client) -> None:
    base = await base_of(operator)
    http = factory.client().http
    before = await factory.contents()
    for call in CALLS:
        for token in ("", *forged(operator.token or "")):
            headers = {"authorization": token} if token else {}
            answer = await http.request(
                call.method, f"{base}/{call.path}", json=call.body, headers=headers
            )
            error(answer, 401)
    assert await factory.contents() == before


async def other_customer(factory: FactoryServer) -> Client:
    """An administrator of a second one."""
    customer_id = await new_customer(factory.database, "Dairy Two")
    command = CreateUser.of(username="stranger", password="long enough", role=Role.ADMIN)
    transactions = factory.runtime.services.transactions
    async with transactions.begin(system_actor("test", customer_id)) as work:
        user = await identity.create_user(work, command, "no hash: nobody logs in by a password")
    return factory.client(factory.token(user))


async def public_id(factory: FactoryServer, client: Client) -> str:
    return str((await client.ask("{ customer { id } }"))["customer"]["id"])


async def test_the_path_has_to_be_the_tokens_customer(
    factory: FactoryServer, admin: Client
) -> None:
    stranger = await other_customer(factory)
    own = f"/insight/{uuid(await public_id(factory, stranger))}"
    base = await base_of(admin)
    before = await factory.contents()
    for client, path in (
        (stranger, base),
        (admin, own),
        (admin, f"/insight/{uuid(new_id())}"),
        (admin, "/insight/demo"),
        (admin, "/insight/1"),
    ):
        for call in CALLS:
            details = error(await send(client, path, call), 403)
            assert details == "This customer is not the token's"
    assert await factory.contents() == before
    plain = own.replace("-", "")
    assert ok(await stranger.http.get(f"{plain}/users"))["metadata"]["size"] == 1


async def test_one_customers_things_are_not_anothers(factory: FactoryServer, admin: Client) -> None:
    stranger = await other_customer(factory)
    own = f"/insight/{uuid(await public_id(factory, stranger))}"
    base = await base_of(admin)
    await scan(factory, "theirs", MORNING_MS)
    task = ok(await admin.http.post(f"{base}/events/export/tasks"), 202)["task"]
    user = ok(await admin.http.post(f"{base}/users", json=JOHN))["id"]
    window = {"start_time_millis": 0}
    before = await factory.contents()
    assert ok(await stranger.http.get(f"{own}/events", params=window))["items"] == []
    error(await stranger.http.get(f"{own}/events/export/tasks/{task}"), 404)
    for method in ("GET", "PATCH", "DELETE"):
        answer = await stranger.http.request(method, f"{own}/users/{user}", json={})
        error(answer, 404)
    # The email is somebody's, whoever's.
    error(await stranger.http.post(f"{own}/users", json=JOHN), 409)
    after = await factory.contents()
    assert after["user_account"] == before["user_account"]


async def test_tokens_of_devices_and_programs(factory: FactoryServer, admin: Client) -> None:
    base = await base_of(admin)
    await register(admin, "edge-001")
    device = await device_client(factory, admin, "edge-001")
    program = await token_of(factory, "endpoint:read")
    key = factory.client("demo-ontakt-key")
    before = await factory.contents()
    for client in (device, program):
        for call in CALLS:
            answer = await send(client, base, call)
            assert answer.status_code == 403, (call, answer.text)
    for path in ("me", "me/consents"):
        error(await key.http.get(f"{base}/{path}"), 403)
    error(await key.http.post(f"{base}/me/consents", json={"privacy_policy_version": "1"}), 403)
    after = await factory.contents()
    assert without(after, "api_key") == without(before, "api_key")
    # A key may what its role may.
    assert ok(await key.http.get(f"{base}/users"))["metadata"]["size"] == 4


def without(found: Any, name: str) -> Json:
    """When a key was used is noted."""
    return {table: rows for table, rows in dict(found).items() if table != name}


async def token_of(factory: FactoryServer, scope: str) -> Client:
    """The demo's program's own, with less than it could have."""
    http = factory.client().http
    answer = await http.post(
        "/oauth2/token",
        data={"grant_type": "client_credentials", "scope": scope},
        headers={"authorization": basic("demo-client", "demo-secret")},
    )
    assert answer.status_code == 200, answer.text
    return factory.client(answer.json()["access_token"])

"""OAuth clients and API keys, managed by GraphQL and used on every face."""

from typing import Any, cast

import pytest

from domain.identity.mappings import SCOPES
from domain.kernel.clock import from_us
from tests.support.clients import Client, Json
from tests.support.edge import Edge
from tests.support.factory import FactoryServer
from tests.support.factory_api import neighbour

CREATE = """mutation ($input: CreateOAuthClientInput!) { createOAuthClient(input: $input) {
  secret client { id clientId name scopes grantTypes createdBy disabledAt secretChangedAt } } }"""
CREATE_KEY = """mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) {
  key apiKey { id name prefix role createdBy lastUsedAt expiresAt revokedAt } } }"""
LIST = "{ oauthClients { totalCount edges { node { id clientId disabledAt } } } }"
KEYS = "{ apiKeys { totalCount edges { node { id prefix lastUsedAt revokedAt } } } }"
ONE = "query ($id: ID!) { oauthClient(id: $id) { id clientId disabledAt } }"
ONE_KEY = "query ($id: ID!) { apiKey(id: $id) { id lastUsedAt } }"
NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
ROTATE = "mutation ($id: ID!) { rotateOAuthClientSecret(id: $id) { secret client { id } } }"
DISABLE = "mutation ($id: ID!) { disableOAuthClient(id: $id) { id disabledAt } }"
ENABLE = "mutation ($id: ID!) { enableOAuthClient(id: $id) { id disabledAt } }"
DELETE = "mutation ($id: ID!) { deleteOAuthClient(id: $id) { id clientId } }"
REVOKE = "mutation ($id: ID!) { revokeApiKey(id: $id) { id revokedAt } }"
DEVICES = "{ devices { totalCount } }"
AUDIT = "{ auditLog(first: 1) { edges { node { action actor { username } } } } }"


@pytest.fixture
def factory(sqlite_factory: FactoryServer) -> FactoryServer:
    return sqlite_factory


@pytest.fixture
async def admin(factory: FactoryServer) -> Client:
    return await factory.logged_in("admin")


async def made(admin: Client, *scopes: str, **more: Any) -> Json:
    given = {"name": "Pipeline", "scopes": scopes or ["endpoint:read"], **more}
    found: Json = (await admin.ask(CREATE, input=given))["createOAuthClient"]
    return found


async def token(factory: FactoryServer, client_id: str, secret: str) -> str | None:
    http = factory.client().http
    form = {"grant_type": "client_credentials"}
    answer = await http.post("/oauth2/token", data=form, auth=(client_id, secret))
    assert answer.status_code in (200, 401), answer.text
    found: str | None = answer.json().get("access_token")
    return found


async def test_a_client_from_its_making_to_its_end(factory: FactoryServer, admin: Client) -> None:
    found = await made(admin, "endpoint:read", "production:scan:read")
    client, secret = found["client"], found["secret"]
    assert len(secret) == 43
    assert client["scopes"] == ["endpoint:read", "production:scan:read"]
    assert client["grantTypes"] == ["CLIENT_CREDENTIALS"]
    assert (client["createdBy"], client["disabledAt"]) == ("admin", None)
    name, key = client["clientId"], client["id"]
    first = await token(factory, name, secret)
    assert first is not None
    program = factory.client(first)
    assert (await program.ask(DEVICES))["devices"]["totalCount"] == 0
    assert await program.code("{ releases { totalCount } }") == "FORBIDDEN"

    rotated = (await admin.ask(ROTATE, id=key))["rotateOAuthClientSecret"]
    assert rotated["secret"] != secret
    assert await program.code(DEVICES) == "UNAUTHORIZED"
    assert await token(factory, name, secret) is None
    second = await token(factory, name, rotated["secret"])

    disabled = (await admin.ask(DISABLE, id=name))["disableOAuthClient"]
    assert disabled["disabledAt"] is not None
    assert (await admin.ask(DISABLE, id=name))["disableOAuthClient"] == disabled
    assert await factory.client(second).code(DEVICES) == "UNAUTHORIZED"
    assert await token(factory, name, rotated["secret"]) is None
    assert (await admin.ask(ENABLE, id=key))["enableOAuthClient"]["disabledAt"] is None
    assert await factory.client(second).code(DEVICES) == "UNAUTHORIZED"
    third = await token(factory, name, rotated["secret"])

    assert (await admin.ask(DELETE, id=key))["deleteOAuthClient"] == {"id": key, "clientId": name}
    assert await factory.client(third).code(DEVICES) == "UNAUTHORIZED"
    assert await token(factory, name, rotated["secret"]) is None
    assert (await admin.ask(ONE, id=key))["oauthClient"] is None
    assert await admin.code(DELETE, id=key) == "NOT_FOUND"


async def test_clients_are_listed_and_found_again(factory: FactoryServer, admin: Client) -> None:
    client = (await made(admin))["client"]
    found = (await admin.ask(LIST))["oauthClients"]
    assert found["totalCount"] == 2
    names = [edge["node"]["clientId"] for edge in found["edges"]]
    assert names == [client["clientId"], "demo-client"]
    for key in (client["id"], client["clientId"]):
        assert (await admin.ask(ONE, id=key))["oauthClient"]["id"] == client["id"]
    assert (await admin.ask(NODE, id=client["id"]))["node"]["__typename"] == "OAuthClient"
    scopes = (await admin.ask("{ oauthScopes { name permissions } }"))["oauthScopes"]
    assert [scope["name"] for scope in scopes] == list(SCOPES)
    assert all(scope["permissions"] for scope in scopes)


@pytest.mark.parametrize(
    "given",
    [
        {"name": "", "scopes": ["endpoint:read"]},
        {"name": "a\nb", "scopes": ["endpoint:read"]},
        {"name": "a" * 129, "scopes": ["endpoint:read"]},
        {"name": "a", "scopes": []},
        {"name": "a", "scopes": ["root"]},
        {"name": "a", "scopes": ["identity:user:manage"]},
        {"name": "a", "scopes": ["endpoint:read application:software:read"]},
        {"name": "a", "scopes": ["endpoint:read"] * 500},
        {"name": "a", "scopes": ["endpoint:read"], "grantTypes": []},
        {"name": "a", "scopes": ["endpoint:read"], "grantTypes": ["IMPLICIT"]},
    ],
    ids=repr,
)
async def test_a_client_that_cannot_be_is_refused(
    factory: FactoryServer, admin: Client, given: Json
) -> None:
    before = await factory.contents()
    assert await admin.code(CREATE, input=given) == "VALIDATION_ERROR"
    assert await factory.contents() == before


async def test_another_customer_s_administrator_finds_and_changes_nothing(
    factory: FactoryServer, admin: Client
) -> None:
    client = (await made(admin))["client"]
    key = (await admin.ask(CREATE_KEY, input={"name": "a", "role": "AUDITOR"}))["createApiKey"]
    stranger = await neighbour(factory)
    before = await factory.contents()
    assert (await stranger.ask(LIST))["oauthClients"] == {"totalCount": 0, "edges": []}
    assert (await stranger.ask(KEYS))["apiKeys"] == {"totalCount": 0, "edges": []}
    for name in (client["id"], client["clientId"], "demo-client", "\x00", ""):
        assert (await stranger.ask(ONE, id=name))["oauthClient"] is None
        for document in (ROTATE, DISABLE, ENABLE, DELETE):
            assert await stranger.code(document, id=name) == "NOT_FOUND"
    assert (await stranger.ask(NODE, id=client["id"]))["node"] is None
    assert (await stranger.ask(NODE, id=key["apiKey"]["id"]))["node"] is None
    assert await stranger.code(REVOKE, id=key["apiKey"]["id"]) == "NOT_FOUND"
    assert await factory.contents() == before


@pytest.fixture(params=["edge", "sqlite_factory"], ids=["edge", "factory"])
def place(request: pytest.FixtureRequest) -> Edge | FactoryServer:
    return cast(Edge | FactoryServer, request.getfixturevalue(request.param))


async def test_a_key_opens_every_face_and_no_more_once_revoked(place: Edge | FactoryServer) -> None:
    admin = await place.logged_in("admin")
    found = (await admin.ask(CREATE_KEY, input={"name": "Hall 2", "role": "MANAGER"}))[
        "createApiKey"
    ]
    key, row = found["key"], found["apiKey"]
    assert key.startswith(row["prefix"])
    assert (row["role"], row["createdBy"], row["lastUsedAt"]) == ("MANAGER", "admin", None)
    holder = place.client(key)
    assert (await holder.ask("{ me { id } }"))["me"] is None
    assert await holder.code('mutation { deleteRelease(id: "x") { id } }') == "FORBIDDEN"
    assert await holder.code("{ apiKeys { totalCount } }") == "FORBIDDEN"
    await holder.ask('mutation { recordEvent(input: {message: "a note"}) { id } }')
    assert (await holder.http.get("/api/v1/catalog/sites")).status_code in (200, 404)
    async with holder.subscribe("subscription { scans { cursor } }"):
        await place.subscribers(1)
    entry = (await holder.ask(AUDIT))["auditLog"]["edges"][0]["node"]
    assert entry["actor"]["username"] == "Hall 2"
    assert (await admin.ask(ONE_KEY, id=row["id"]))["apiKey"]["lastUsedAt"] is not None

    revoked = (await admin.ask(REVOKE, id=row["id"]))["revokeApiKey"]
    assert revoked["revokedAt"] is not None
    assert (await admin.ask(REVOKE, id=row["id"]))["revokeApiKey"] == revoked
    assert await holder.code("{ me { id } }") == "UNAUTHORIZED"


async def test_a_key_has_an_end_where_it_is_given_one(
    factory: FactoryServer, admin: Client
) -> None:
    now_us = factory.runtime.core.clock.now_us()
    soon = from_us(now_us + 3_600_000_000).isoformat()
    given = {"name": "a", "role": "AUDITOR"}
    found = await admin.ask(CREATE_KEY, input=given | {"expiresAt": soon})
    assert found["createApiKey"]["apiKey"]["expiresAt"] is not None
    before = await factory.contents()
    for wrong in (from_us(now_us - 1).isoformat(), "tomorrow", "2026-01-01T00:00:00"):
        assert (
            await admin.code(CREATE_KEY, input=given | {"expiresAt": wrong}) == "VALIDATION_ERROR"
        )
    assert await factory.contents() == before


async def test_the_documented_key_is_an_administrator_s(factory: FactoryServer) -> None:
    holder = factory.client("demo-ontakt-key")
    assert (await holder.ask(KEYS))["apiKeys"]["edges"][0]["node"]["prefix"] == "demo-ontakt-"
    entry = (await holder.http.get("/api/v1/audit-log")).status_code
    assert entry == 200

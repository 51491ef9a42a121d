"""The OAuth endpoints of a real factory, asked by Authlib's own client and by nobody's."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from domain.identity.mappings import OTAO, SCOPES
from oktograph.web import oauth as face
from tests.support.clients import DEADLINE_S, NO_TLS
from tests.support.databases import PostgresServer
from tests.support.factory import FactoryServer, running_factory
from tests.support.raw_http import exchange

DEMO = ("demo-client", "demo-secret")
FORM = "application/x-www-form-urlencoded"
OWN = {"grant_type": "client_credentials"}
MANAGER = {"grant_type": "password", "username": "manager", "password": "manager123"}
Answer = dict[str, Any]


@pytest.fixture
def factory(sqlite_factory: FactoryServer) -> FactoryServer:
    return sqlite_factory


def peer(place: FactoryServer, **more: Any) -> AsyncOAuth2Client:
    """Somebody else's client of OAuth."""
    base = {"base_url": f"http://{place.address}", "timeout": DEADLINE_S}
    endpoint = {"token_endpoint": f"http://{place.address}/oauth2/token"}
    return AsyncOAuth2Client(*DEMO, **base, **endpoint, **more)


@pytest.fixture
async def http(factory: FactoryServer) -> AsyncIterator[httpx2.AsyncClient]:
    url = f"http://{factory.address}"
    async with httpx2.AsyncClient(base_url=url, timeout=DEADLINE_S, verify=NO_TLS) as client:
        yield client


async def post(http: httpx2.AsyncClient, path: str, auth: Any = DEMO, **form: str) -> Any:
    return await http.post(f"/oauth2/{path}", data=form, auth=auth)


def refusal(answer: httpx2.Response, status: int, error: str) -> str:
    """The description of a refusal in the shape of RFC 6749, which no cache keeps."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    body = answer.json()
    assert body.keys() == {"error", "error_description"}
    assert body["error"] == error
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Basic realm=")
    described: str = body["error_description"]
    assert described.isascii()
    return described


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_a_client_of_authlib_gets_along(factory: FactoryServer, method: str) -> None:
    how = {"token_endpoint_auth_method": method, "revocation_endpoint_auth_method": method}
    async with peer(factory, scope="application:software:read", **how) as client:
        token = await client.fetch_token(grant_type="client_credentials")
        assert token["token_type"] == "Bearer"
        assert token["expires_in"] == 3600 or token["expires_in"] == 3599
        assert token["scope"] == "application:software:read"
        assert "refresh_token" not in token
        assert (await client.get("/api/v1/firmware/releases")).status_code == 200
        assert (await client.delete(f"/api/v1/firmware/releases/{'0' * 32}")).status_code == 403
        url = f"http://{factory.address}/oauth2"
        told = await client.introspect_token(f"{url}/introspect", token=token["access_token"])
        assert told.json()["active"] is True
        await client.revoke_token(f"{url}/revoke", token=token["access_token"])
        assert (await client.get("/api/v1/firmware/releases")).status_code == 401
        told = await client.introspect_token(f"{url}/introspect", token=token["access_token"])
        assert told.json() == {"active": False}


async def test_it_logs_in_for_somebody_and_refreshes(factory: FactoryServer) -> None:
    async with peer(factory) as client:
        first = dict(await client.fetch_token(username="manager", password="manager123"))
        second = await client.refresh_token()
        assert second["refresh_token"] != first["refresh_token"]
        assert (await client.get("/api/v1/firmware/releases")).status_code == 200
        with pytest.raises(OAuthError) as caught:
            await client.refresh_token(refresh_token=first["refresh_token"])
        assert caught.value.error == "invalid_grant"
        assert (await client.get("/api/v1/firmware/releases")).status_code == 401


async def test_what_is_wrong_it_is_told(factory: FactoryServer) -> None:
    async with peer(factory) as client:
        for wrong, error in (
            ({"username": "manager", "password": "wrong"}, "invalid_grant"),
            ({"grant_type": "client_credentials", "scope": "root"}, "invalid_scope"),
            ({"grant_type": "urn:example:other"}, "unsupported_grant_type"),
        ):
            with pytest.raises(OAuthError) as caught:
                await client.fetch_token(**wrong)
            assert caught.value.error == error
        client.client_secret = "wrong"
        with pytest.raises(OAuthError) as caught:
            await client.fetch_token(grant_type="client_credentials")
        assert caught.value.error == "invalid_client"


async def test_discovery_says_where_everything_is(
    factory: FactoryServer, http: httpx2.AsyncClient
) -> None:
    found = (await http.get("/.well-known/oauth-authorization-server")).json()
    assert (await http.get("/.well-known/openid-configuration")).json() == found
    base = f"http://{factory.address}"
    assert found["issuer"] == base
    assert found["token_endpoint"] == f"{base}/oauth2/token"
    assert set(found["scopes_supported"]) == set(SCOPES)
    assert (await http.get(found["jwks_uri"])).json()["keys"]
    for name in ("token", "revocation", "introspection"):
        assert (await http.get(found[f"{name}_endpoint"])).status_code == 405
    as_if_behind_tls = json.loads(json.dumps(found).replace("http://", "https://"))
    AuthorizationServerMetadata(as_if_behind_tls).validate()


async def test_a_token_is_one_of_rfc_9068_to_whoever_verifies_it(
    factory: FactoryServer, http: httpx2.AsyncClient
) -> None:
    found = (await http.get("/.well-known/openid-configuration")).json()
    keys = KeySet.import_key_set((await http.get(found["jwks_uri"])).json())
    for form, subject in ((OWN, "demo-client"), (MANAGER, None)):
        answer = (await post(http, "token", **form)).json()
        opened = jwt.decode(answer["access_token"], keys, algorithms=["ES256"])
        assert opened.header["typ"] == "at+jwt"
        JWTClaimsRegistry(
            iss={"essential": True, "value": found["issuer"]},
            aud={"essential": True, "value": "oktograph"},
            exp={"essential": True},
            client_id={"essential": True, "value": "demo-client"},
            scope={"essential": True, "value": answer["scope"]},
        ).validate(opened.claims)
        assert {"sub", "iat", "jti"} <= opened.claims.keys()
        if subject is not None:
            assert opened.claims["sub"] == subject
        assert "role" not in opened.claims


async def test_one_name_outside_is_the_issuer_of_all(tmp_path: Path) -> None:
    told: dict[str, Any] = {"public_url": "https://factory.example/"}
    async with running_factory(tmp_path / "factory", **told) as place:
        http = place.client().http
        found = (await http.get("/.well-known/openid-configuration")).json()
        assert found["issuer"] == "https://factory.example"
        answer = (await post(http, "token", **OWN)).json()
        token = {"authorization": f"Bearer {answer['access_token']}"}
        assert (await http.get("/api/v1/firmware/releases", headers=token)).status_code == 200
        told_about = (await post(http, "introspect", token=answer["access_token"])).json()
        assert told_about["iss"] == "https://factory.example"


@pytest.mark.parametrize(
    "host", ["", "evil example", "a/b", "a@b", "x" * 300, "a:b", "[::1", "ü", "a\\b", 'a"b']
)
async def test_a_host_that_is_none_names_nobody(factory: FactoryServer, host: str) -> None:
    head = f"GET /.well-known/openid-configuration HTTP/1.1\r\nHost: {host}\r\n"
    answer = await exchange(factory.port, (head + "Connection: close\r\n\r\n").encode("latin-1"))
    if answer.status == 200:
        assert answer.json["issuer"] == f"http://{factory.address}"
    else:
        assert answer.status == 400


async def test_scopes_bind_on_every_face(factory: FactoryServer, http: httpx2.AsyncClient) -> None:
    answer = (await post(http, "token", **OWN, scope="endpoint:read")).json()
    client = factory.client(answer["access_token"])
    assert (await client.ask("{ devices { totalCount } }"))["devices"]["totalCount"] == 0
    before = await factory.contents()
    for document in (
        "{ releases { totalCount } }",
        "{ bottles { totalCount } }",
        "{ oauthClients { totalCount } }",
        'mutation { registerDevice(input: {identifier: "x"}) { id } }',
        'mutation { createApiKey(input: {name: "x", role: ADMIN}) { key } }',
    ):
        assert await client.code(document) == "FORBIDDEN"
    assert (await client.http.get("/api/v1/audit-log")).status_code == 403
    async with client.subscribe("subscription { scans { cursor } }") as subscription:
        assert await subscription.refused() == "FORBIDDEN"
    assert await factory.contents() == before


async def test_a_manager_s_token_does_not_make_a_manager(
    factory: FactoryServer, http: httpx2.AsyncClient
) -> None:
    answer = (await post(http, "token", **MANAGER)).json()
    assert set(answer["scope"].split()) == set(OTAO) - {"application:software:delete"}
    client = factory.client(answer["access_token"])
    assert (await client.ask("{ me { username } }"))["me"] == {"username": "manager"}
    before = await factory.contents()
    document = 'mutation { registerDevice(input: {identifier: "x"}) { id } }'
    assert await client.code(document) == "FORBIDDEN"
    assert await factory.contents() == before


async def test_what_a_program_changes_is_audited_as_its_own(
    factory: FactoryServer, http: httpx2.AsyncClient
) -> None:
    answer = (await post(http, "token", **OWN)).json()
    assert (await post(http, "revoke", token=answer["access_token"])).status_code == 200
    admin = await factory.logged_in("admin")
    document = "{ auditLog(first: 1) { edges { node { action actor { username } } } } }"
    entry = (await admin.ask(document))["auditLog"]["edges"][0]["node"]
    assert entry == {"action": "token.revoked", "actor": {"username": "demo-client"}}


BODIES: list[tuple[bytes, str, int]] = [
    (b"", FORM, 400),
    (b"grant_type=client_credentials&grant_type=client_credentials", FORM, 400),
    (b"grant_type=%ff", FORM, 400),
    (b"grant_type=\xff", FORM, 400),
    (b"grant_type=", FORM, 400),
    (b"&".join(b"a%d=1" % number for number in range(60)), FORM, 400),
    (b'{"grant_type": "client_credentials"}', "application/json", 400),
    (b"grant_type=client_credentials", "", 400),
    (b"grant_type=client_credentials", "multipart/form-data; boundary=x", 400),
    (b"grant_type=client_credentials&x=" + b"x" * 70_000, FORM, 413),
    (b"scope=" + b"a+" * 30_000 + b"&grant_type=client_credentials", FORM, 400),
]


@pytest.mark.parametrize(
    ("body", "media_type", "status"), BODIES, ids=lambda value: repr(value)[:30]
)
async def test_a_body_that_is_no_form_is_refused_in_shape(
    factory: FactoryServer, http: httpx2.AsyncClient, body: bytes, media_type: str, status: int
) -> None:
    headers = {"content-type": media_type} if media_type else {}
    before = await factory.contents()
    for path in ("token", "revoke", "introspect"):
        answer = await http.post(f"/oauth2/{path}", content=body, headers=headers, auth=DEMO)
        error = "invalid_scope" if path == "token" and b"scope" in body else "invalid_request"
        refusal(answer, status, error)
    assert await factory.contents() == before


async def test_a_form_may_name_its_charset(http: httpx2.AsyncClient) -> None:
    headers = {"content-type": f"{FORM.upper()}; charset=UTF-8"}
    content = b"grant_type=client_credentials"
    answer = await http.post("/oauth2/token", content=content, headers=headers, auth=DEMO)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic =",
        "Basic ###",
        "Basic \xa0",
        "basic\xa0YTpi YTpi",
        "Basic " + b64encode(b"\xff:\xff").decode(),
        "Basic " + b64encode(b"no colon").decode(),
        "Basic " + b64encode(b"demo-client:wrong").decode(),
        "Basic " + b64encode(b"%00:%00").decode(),
        "Basic " + b64encode(b"a" * 40_000 + b":b").decode(),
        "Bearer demo-ontakt-key",
        "Digest x",
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_a_header_that_names_nobody_is_invalid_client(
    factory: FactoryServer, header: str
) -> None:
    body = b"grant_type=client_credentials"
    head = (
        f"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\nAuthorization: {header}\r\n\r\n"
    )
    answer = await exchange(factory.port, head.encode("latin-1") + body)
    assert answer.status in (401, 431), answer
    if answer.status == 401:
        assert answer.json["error"] == "invalid_client"
        assert b"www-authenticate: basic realm=" in answer.head.lower()


async def test_a_secret_in_two_places_is_refused(http: httpx2.AsyncClient) -> None:
    twice = {"client_id": DEMO[0], "client_secret": DEMO[1]}
    refusal(await post(http, "token", **OWN, **twice), 400, "invalid_request")
    assert (await post(http, "token", None, **OWN, **twice)).status_code == 200


async def test_unknown_paths_and_methods_are_refused_in_shape(http: httpx2.AsyncClient) -> None:
    for path in ("/oauth2/", "/oauth2/authorize", "/oauth2/token/x"):
        refusal(await http.post(path), 404, "invalid_request")
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = await http.request(method, "/oauth2/token")
        refusal(answer, 405, "invalid_request")
        assert answer.headers["allow"] == "POST"


async def test_guessing_is_slowed_down_in_shape(http: httpx2.AsyncClient) -> None:
    wrong = {**MANAGER, "password": "wrong"}
    for _ in range(10):
        refusal(await post(http, "token", **wrong), 400, "invalid_grant")
    answer = await post(http, "token", **wrong)
    refusal(answer, 429, "temporarily_unavailable")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert (await post(http, "token", **OWN)).status_code == 200
    while (answer := await post(http, "token", ("x", "x"), **OWN)).status_code == 401:
        continue
    refusal(answer, 429, "temporarily_unavailable")
    assert int(answer.headers["retry-after"]) >= 1


async def test_many_programs_at_once_are_not_slowed_down(http: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(*(post(http, "token", **OWN) for _ in range(40)))
    assert {answer.status_code for answer in answers} == {200}


async def test_one_refresh_of_many_at_once(each_factory: FactoryServer) -> None:
    http = each_factory.client().http
    first = (await post(http, "token", **MANAGER)).json()
    shown = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    answers = await asyncio.gather(*(post(http, "token", **shown) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 9]
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    headers = {"authorization": f"Bearer {won['access_token']}"}
    gone = await http.get("/api/v1/firmware/releases", headers=headers)
    assert gone.status_code == 401


async def test_two_processes_agree(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """Of refreshes at both one is answered, and what one revokes is dead at the other."""
    async with postgres_server.fresh() as database:
        url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        told: dict[str, Any] = {"factory_database_url": url, "keys_dir": tmp_path / "keys"}
        async with (
            running_factory(tmp_path / "one", **told) as one,
            running_factory(tmp_path / "two", 1, **told) as two,
        ):
            here, there = one.client().http, two.client().http
            first = (await post(here, "token", **MANAGER)).json()
            shown = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
            answers = await asyncio.gather(
                *(post(http, "token", **shown) for http in (here, there) * 4)
            )
            assert sorted(answer.status_code for answer in answers) == [200, *[400] * 7]
            own = (await post(here, "token", **OWN)).json()["access_token"]
            headers = {"authorization": f"Bearer {own}"}
            path = "/api/v1/firmware/releases"
            assert (await there.get(path, headers=headers)).status_code == 200
            assert (await post(here, "revoke", token=own)).status_code == 200
            async with asyncio.timeout(DEADLINE_S):
                while (await there.get(path, headers=headers)).status_code != 401:
                    continue


async def test_without_the_demo_nothing_documented_opens(tmp_path: Path) -> None:
    folder = tmp_path / "factory"
    async with running_factory(folder) as place:
        http = place.client().http
        assert (await post(http, "token", **OWN)).status_code == 200
        key = {"authorization": "Bearer demo-ontakt-key"}
        assert (await http.get("/api/v1/audit-log", headers=key)).status_code == 200
    async with running_factory(folder, demo=False) as place:
        http = place.client().http
        refusal(await post(http, "token", **OWN), 401, "invalid_client")
        assert (await http.get("/api/v1/audit-log", headers=key)).status_code == 401
    async with running_factory(folder) as place:
        assert (await post(place.client().http, "token", **OWN)).status_code == 200


async def test_an_edge_has_no_token_endpoint(edge: Any) -> None:
    http = edge.client().http
    assert (await http.post("/oauth2/token")).status_code == 404
    assert (await http.get("/.well-known/openid-configuration")).status_code == 404
    assert (await http.get("/.well-known/jwks.json")).status_code == 200


def test_every_status_but_the_usual_has_its_word() -> None:
    assert set(face.WORDS) == {status for status in face.STATUSES.values() if status != 400}

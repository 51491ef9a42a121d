"""What holds for every route: headers for scripts of any site, tokens in either form, refusals in
one shape, a port of its own."""

import pytest

from compat_rest.insight.app import DIALECT
from tests.support.clients import Client
from tests.support.factory import FactoryServer, own_port
from tests.support.insight import base_of, error, has_cors, ok, uuid

ORIGIN = {"origin": "https://portal.example"}
PREFLIGHT = ORIGIN | {
    "access-control-request-method": "PATCH",
    "access-control-request-headers": "authorization",
}


@pytest.mark.parametrize("headers", [{}, PREFLIGHT])
@pytest.mark.parametrize(
    "path",
    [
        "/auth-information",
        "/{base}/events",
        "/{base}/events/export/tasks/x",
        "/another-customer/users/x",
        "/nowhere/at/all",
        "/",
    ],
)
async def test_options_is_answered_everywhere(
    factory: FactoryServer, path: str, headers: dict[str, str]
) -> None:
    client = factory.client()
    base = (await base_of(client)).removeprefix("/insight/")
    answer = await client.http.options("/insight" + path.format(base=base), headers=headers)
    assert answer.status_code == 200
    assert answer.content == b""
    has_cors(answer)


async def test_refusals_may_be_read_by_scripts_too(operator: Client) -> None:
    base = await base_of(operator)
    http = operator.http
    for path in ("/insight", "/insight/", "/insight/x", f"{base}", f"{base}/", f"{base}/nothing"):
        assert error(await http.get(path, headers=ORIGIN), 404) == "Resource not found"
    answer = await http.delete(f"{base}/users", headers=ORIGIN)
    assert error(answer, 405) == "Method not allowed"
    assert answer.headers["allow"] == "GET, POST"
    assert answer.json()["title"] == "Not Found"
    answer = await http.get(f"{base}/events", headers=ORIGIN | {"authorization": "nonsense"})
    error(answer, 401)
    assert "www-authenticate" in answer.headers
    for body in (b"{", b"[]", b'"x"'):
        error(await http.post(f"{base}/me/consents", content=body), 400)
    large = b'{"privacy_policy_version": "' + b"1" * 5_000_000 + b'"}'
    answer = await http.post(f"{base}/me/consents", content=large)
    assert error(answer, 413) == "Request body too large"


async def test_what_is_out_of_order_says_so_in_its_shape(
    factory: FactoryServer, operator: Client
) -> None:
    base = await base_of(operator)
    async with factory.database.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE consent RENAME TO gone")
    details = error(await operator.http.get(f"{base}/me/consents"), 503)
    assert details == "The storage cannot take this now"


@pytest.mark.parametrize("scheme", ["", "Bearer ", "bearer "])
async def test_the_token_is_the_header(factory: FactoryServer, scheme: str) -> None:
    known = await factory.logged_in("operator")
    client = factory.client()
    headers = {"authorization": f"{scheme}{known.token}"}
    me = ok(await client.http.get(f"{await base_of(client)}/me", headers=headers))
    assert me["email"] == "operator"


async def test_a_token_from_a_login_is_the_id_token(factory: FactoryServer) -> None:
    client = factory.client()
    given = {"username": "operator", "password": "operator123"}
    told = (await client.http.post("/api/v1/auth/login", json=given)).json()
    token = told["data"]["token"] if "data" in told else told["token"]
    base = await base_of(client)
    assert ok(await client.http.get(f"{base}/me", headers={"authorization": token}))


async def test_auth_information_by_id_and_for_nobody(factory: FactoryServer) -> None:
    http = factory.client().http
    public_id = factory.runtime.core.customer.public_id
    known = ok(await http.get("/insight/auth-information", params={"id": "demo"}))
    for key in (public_id, uuid(public_id), uuid(public_id).upper()):
        assert ok(await http.get("/insight/auth-information", params={"id": key})) == known
    for key in ("nobody", "", "0" * 32, "x\0y"):
        answer = await http.get("/insight/auth-information", params={"id": key})
        assert error(answer, 404) == "Customer not found"
    error(await http.get("/insight/auth-information"), 400)


async def test_its_description(factory: FactoryServer) -> None:
    http = factory.client().http
    document = (await http.get("/insight/openapi.json")).json()
    assert document["info"]["title"] == "Insight API"
    assert document["servers"] == [{"url": "/insight"}]
    operation = document["paths"]["/{customer_id}/events"]["get"]
    assert operation["security"] == [{"token": []}]
    assert set(operation["responses"]["200"]["headers"]) == {
        "Access-Control-Allow-Origin",
        "Access-Control-Allow-Methods",
        "Access-Control-Allow-Headers",
    }
    assert document["components"]["securitySchemes"]["token"] == {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
    }
    assert "Insight API" in (await http.get("/insight/docs")).text


async def test_a_port_of_its_own(factory: FactoryServer, operator: Client) -> None:
    async with own_port(factory, DIALECT) as client:
        customer = ok(await client.get("/auth-information", params={"id": "demo"}))["customer_id"]
        client.headers["authorization"] = operator.token or ""
        assert ok(await client.get(f"/{customer}/events"))["items"] == []
        link = ok(await client.get(f"/{customer}/events/export"), 201)["download_link"]
        assert link.startswith(f"{client.base_url}".rstrip("/") + "/downloads/")
        assert (await client.get(link)).status_code == 200
        error(await client.get(f"/insight/{customer}/events"), 404)
        assert (await client.options("/x")).status_code == 200

"""Users by Insight and by the graph: one and the same; what is refused changes nothing."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert

from domain.identity.models import User
from domain.kernel.columns import table_of
from domain.kernel.ids import new_id
from domain.kernel.permissions import Role
from tests.support.clients import Client, Json
from tests.support.factory import FactoryServer
from tests.support.insight import base_of, error, ok, uuid
from tests.support.oauth import basic

JOHN = {
    "first_name": "John",
    "last_name": "Doe",
    "role": "USER_ROLE",
    "email": "john.doe@example.com",
}
USERS = """{ users { totalCount edges { node { id username role displayName firstName lastName email
  language updatedAt consents { document version } } } } }"""
UPDATE = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { id role email } }"
SET_PASSWORD = "mutation ($input: SetPasswordInput!) { setPassword(input: $input) { id } }"
LOGIN = """mutation ($username: String!, $password: String!) {
  login(username: $username, password: $password) { token } }"""


async def made(client: Client, **more: Any) -> Json:
    base = await base_of(client)
    found: Json = ok(await client.http.post(f"{base}/users", json=JOHN | more))
    return found


async def test_who_is_made_here_is_the_graphs_user(admin: Client) -> None:
    john = await made(admin)
    found = (await admin.ask(USERS))["users"]
    node = found["edges"][0]["node"]
    assert found["totalCount"] == 5
    assert {name: node[name] for name in ("username", "role", "displayName", "email")} == {
        "username": "john.doe@example.com",
        "role": "OPERATOR",
        "displayName": "John Doe",
        "email": "john.doe@example.com",
    }
    changed = {"id": node["id"], "email": "j@example.com", "role": "ADMIN"}
    await admin.ask(UPDATE, input=changed)
    one = f"{await base_of(admin)}/users/{john['id']}"
    shown = ok(await admin.http.get(one))
    assert (shown["email"], shown["roles"]) == ("j@example.com", ["ADMIN_ROLE"])
    await admin.ask("mutation ($id: ID!) { deleteUser(id: $id) { id } }", id=node["id"])
    error(await admin.http.get(one), 404)
    error(await admin.http.delete(one), 404)


async def test_nobody_logs_in_until_there_is_a_password(
    factory: FactoryServer, admin: Client
) -> None:
    john = await made(admin)
    anonymous = factory.client()
    name = {"username": john["email"]}
    for guess in ("x", "long enough"):
        assert await anonymous.code(LOGIN, password=guess, **name) == "UNAUTHORIZED"
    secret = {"id": john["id"].replace("-", ""), "password": "long enough"}
    await admin.ask(SET_PASSWORD, input=secret)
    token = (await anonymous.ask(LOGIN, password="long enough", **name))["login"]["token"]
    client = factory.client(token)
    base = await base_of(admin)
    assert ok(await client.http.get(f"{base}/me"))["id"] == john["id"]
    # Another role, and being gone, end what one has.
    ok(await admin.http.patch(f"{base}/users/{john['id']}", json={"role": "ADMIN_ROLE"}), 204)
    error(await client.http.get(f"{base}/me"), 401)
    token = (await anonymous.ask(LOGIN, password="long enough", **name))["login"]["token"]
    client = factory.client(token)
    ok(await client.http.get(f"{base}/me"))
    ok(await admin.http.delete(f"{base}/users/{john['id']}"), 204)
    error(await client.http.get(f"{base}/me"), 401)


async def test_a_user_goes_with_what_hangs_on_them(factory: FactoryServer, admin: Client) -> None:
    base = await base_of(admin)
    answer = await factory.client().http.post(
        "/oauth2/token",
        data={"grant_type": "password", "username": "operator", "password": "operator123"},
        headers={"authorization": basic("demo-client", "demo-secret")},
    )
    assert answer.status_code == 200, answer.text
    operator = factory.client((await factory.logged_in("operator")).token)
    ok(await operator.http.post(f"{base}/me/consents", json={"privacy_policy_version": "1"}), 204)
    granted = factory.client(answer.json()["access_token"])
    me = ok(await operator.http.get(f"{base}/me"))["id"]
    ok(await admin.http.delete(f"{base}/users/{me}"), 204)
    for client in (operator, granted):
        error(await client.http.get(f"{base}/events"), 401)
    refreshed = await factory.client().http.post(
        "/oauth2/token",
        data={"grant_type": "refresh_token", "refresh_token": answer.json()["refresh_token"]},
        headers={"authorization": basic("demo-client", "demo-secret")},
    )
    assert refreshed.status_code == 400
    audit = """{ auditLog(filter: {entityType: "user"}) { edges { node { action } } } }"""
    found = await admin.graphql(audit)
    assert "user.deleted" in str(found)


async def test_the_last_administrator_stays(factory: FactoryServer, admin: Client) -> None:
    base = await base_of(admin)
    me = ok(await admin.http.get(f"{base}/me"))["id"]
    before = await factory.contents()
    for answer in (
        await admin.http.delete(f"{base}/users/{me}"),
        await admin.http.patch(f"{base}/users/{me}", json={"role": "USER_ROLE"}),
    ):
        assert error(answer, 409) == "This is the last active administrator"
    assert await factory.contents() == before
    # Nothing changes for one who is that already.
    ok(await admin.http.patch(f"{base}/users/{me}", json={"role": "ADMIN_ROLE"}), 204)
    assert ok(await admin.http.get(f"{base}/me"))["id"] == me


async def test_a_finer_role_of_ours_stays(admin: Client) -> None:
    base = await base_of(admin)
    listed = ok(await admin.http.get(f"{base}/users"))["items"]
    auditor = next(user for user in listed if user["email"] == "auditor")
    assert auditor["roles"] == ["USER_ROLE"]
    changes = {"role": "USER_ROLE", "language": "Deutsch"}
    ok(await admin.http.patch(f"{base}/users/{auditor['id']}", json=changes), 204)
    found = (await admin.ask(USERS))["users"]["edges"]
    (node,) = [edge["node"] for edge in found if edge["node"]["username"] == "auditor"]
    assert (node["role"], node["language"]) == ("AUDITOR", "Deutsch")


async def test_an_email_is_one_users(factory: FactoryServer, admin: Client) -> None:
    base = await base_of(admin)
    john = await made(admin)
    other = await made(admin, email="other@example.com")
    before = await factory.contents()
    for email in ("john.doe@example.com", "John.Doe@Example.com"):
        answer = await admin.http.post(f"{base}/users", json=JOHN | {"email": email})
        assert error(answer, 409) == "User with email already exists"
        answer = await admin.http.patch(f"{base}/users/{other['id']}", json={"email": email})
        assert error(answer, 409) == "User with email already exists"
    assert await factory.contents() == before
    ok(
        await admin.http.patch(
            f"{base}/users/{john['id']}", json={"email": "John.Doe@example.com"}
        ),
        204,
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "x"}, "email"),
        ({"email": "a b@c"}, "email"),
        ({"email": "a" * 200 + "@b.c"}, "email"),
        ({"email": None}, "email"),
        ({"first_name": ""}, "first_name"),
        ({"first_name": "a\0"}, "first_name"),
        ({"last_name": "a" * 65}, "last_name"),
        ({"last_name": 1}, "last_name"),
        ({"role": "ROOT"}, "role"),
        ({"role": "ADMIN"}, "role"),
    ],
)
async def test_a_user_that_is_none(
    factory: FactoryServer, admin: Client, body: Json, field: str
) -> None:
    base = await base_of(admin)
    before = await factory.contents()
    assert error(await admin.http.post(f"{base}/users", json=JOHN | body), 400).startswith(field)
    assert await factory.contents() == before
    missing = {name: value for name, value in JOHN.items() if name != field}
    assert error(await admin.http.post(f"{base}/users", json=missing), 400).startswith(field)


async def test_consents_that_are_none(factory: FactoryServer, operator: Client) -> None:
    base = await base_of(operator)
    before = await factory.contents()
    for body in (
        {},
        {"privacy_policy_version": None},
        {"privacy_policy_version": ""},
        {"privacy_policy_version": "one"},
        {"privacy_policy_version": 1},
        {"privacy_policy_version": "1.2.3.4"},
        {"privacy_policy_version": "1", "terms_and_conditions_version": "\0"},
    ):
        error(await operator.http.post(f"{base}/me/consents", json=body), 400)
    assert await factory.contents() == before
    answer = await operator.http.get(f"{base}/me/consents", params={"type": "COOKIES"})
    assert error(answer, 400).startswith("type")


async def test_consents_are_the_graphs_too(operator: Client) -> None:
    base = await base_of(operator)
    ok(await operator.http.post(f"{base}/me/consents", json={"connected_policy_version": "3"}), 204)
    document = """mutation { giveConsents(input: {consents: [
      {document: PRIVACY_POLICY, version: "2.0.0"}]}) { document version } }"""
    assert (await operator.ask(document))["giveConsents"] == [
        {"document": "CONNECTED_POLICY", "version": "3"},
        {"document": "PRIVACY_POLICY", "version": "2.0.0"},
    ]
    found = ok(await operator.http.get(f"{base}/me/consents"))
    assert found["privacy_policy"]["versions"][0]["version"] == "2.0.0"
    twice = document.replace('"2.0.0"}', '"2"}, {document: PRIVACY_POLICY, version: "3"}')
    assert await operator.code(twice) == "VALIDATION_ERROR"
    assert await operator.code("mutation { giveConsents(input: {consents: []}) { version } }") == (
        "VALIDATION_ERROR"
    )
    me = (await operator.ask("{ me { consents { document version } } }"))["me"]
    assert len(me["consents"]) == 2


async def test_users_page_by_page(factory: FactoryServer, admin: Client) -> None:
    now_us = factory.runtime.services.clock.now_us()
    rows = [
        {
            "id": new_id(),
            "customer_id": factory.customer_id,
            "username": f"user{number}",
            "display_name": f"User {number}",
            "password_hash": "",
            "role": Role.OPERATOR,
            "created_at_us": now_us,
            "token_generation": 0,
            "is_demo": False,
        }
        for number in range(250)
    ]
    async with factory.database.engine.begin() as connection:
        await connection.execute(insert(table_of(User)), rows)
    path: str | None = f"{await base_of(admin)}/users"
    seen: list[str] = []
    while path is not None:
        found = ok(await admin.http.get(path))
        seen += [user["id"] for user in found["items"]]
        path = found["links"].get("next")
    assert len(seen) == len(set(seen)) == 254
    assert seen[0] == uuid(str(rows[-1]["id"]))


async def test_several_at_once(each_factory: FactoryServer) -> None:
    admin = await each_factory.logged_in("admin")
    base = await base_of(admin)
    answers = await asyncio.gather(*(admin.http.post(f"{base}/users", json=JOHN) for _ in range(6)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200, 409, 409, 409, 409, 409]
    (john,) = [answer.json()["id"] for answer in answers if answer.status_code == 200]
    gone = await asyncio.gather(*(admin.http.delete(f"{base}/users/{john}") for _ in range(4)))
    assert sorted(answer.status_code for answer in gone) == [204, 404, 404, 404]
    agreed = {"privacy_policy_version": "1"}
    answers = await asyncio.gather(
        *(admin.http.post(f"{base}/me/consents", json=agreed) for _ in range(6))
    )
    assert {answer.status_code for answer in answers} == {204}
    versions = ok(await admin.http.get(f"{base}/me/consents"))["privacy_policy"]["versions"]
    assert len(versions) == 1

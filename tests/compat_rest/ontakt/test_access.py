"""Who may what; a denied call changes nothing and copies nothing."""

from typing import Any

import pytest

from domain.kernel.permissions import Role
from tests.support.clients import Client
from tests.support.factory import FactoryServer
from tests.support.factory_api import device_client, neighbour, register
from tests.support.ontakt import Caller, caller, error, ok, with_role
from tests.support.tokens import forged, program

ADMINISTRATORS = ("restart", "backup")


def untouched(factory: FactoryServer) -> bool:
    asked = factory.runtime.own_process.asked.is_set()
    return not factory.runtime.settings.backups.exists() and not asked


@pytest.mark.parametrize("role", ["manager", "operator", "auditor"])
async def test_another_level_is_told_whom_to_ask(factory: FactoryServer, role: str) -> None:
    who = await with_role(factory, role)
    before = await factory.contents()
    for path in ADMINISTRATORS:
        refused = error(await who.post(path), 403)
        assert refused == {"error": "This needs another access level", "allowed": ["admin"]}
    assert await factory.contents() == before
    assert untouched(factory)


async def test_allowed_are_those_who_can_log_in(factory: FactoryServer) -> None:
    admin = await factory.logged_in("admin")
    create = """mutation ($name: String!, $role: Role!) { createUser(input: {
      username: $name, password: "long enough", role: $role}) { id } }"""
    fields = (await admin.ask("{ __schema { mutationType { fields { name } } } }"))["__schema"]
    if "createUser" not in {one["name"] for one in fields["mutationType"]["fields"]}:
        pytest.skip("the graph makes no users yet")
    await admin.ask(create, name="bertha", role="ADMIN")
    await admin.ask(create, name="anton", role="OPERATOR")
    refused = error(await (await with_role(factory, "operator")).post("backup"), 403)
    assert refused["allowed"] == ["admin", "bertha"]


async def test_nobody_gets_in(factory: FactoryServer, admin: Caller) -> None:
    good = (await factory.logged_in("admin")).token or ""
    before = await factory.contents()
    for token in (None, "", "x" * 5_000, *forged(good)):
        who = caller(factory, token)
        for answer in (await who.get(), *[await who.post(path) for path in ADMINISTRATORS]):
            assert error(answer, 401).keys() == {"error"}
            assert answer.headers["www-authenticate"] == "X-Auth-Token"
    bearer = {"authorization": f"Bearer {good}"}
    error(await factory.client().http.get("/ontakt/api/", headers=bearer), 401)
    assert await factory.contents() == before
    assert untouched(factory)


async def test_a_devices_token_has_no_level(factory: FactoryServer) -> None:
    manager = await factory.logged_in("manager")
    await register(manager)
    device = caller(factory, (await device_client(factory, manager, "edge-001")).token)
    before = await factory.contents()
    for answer in (await device.get(), *[await device.post(path) for path in ADMINISTRATORS]):
        assert error(answer, 403) == {"error": "This token has no access level here"}
    assert await factory.contents() == before
    assert untouched(factory)


async def test_a_program_may_copy_where_its_scope_says_so(factory: FactoryServer) -> None:
    backup = caller(factory, (await program(factory, "identity:installation:backup")).token)
    reader = caller(factory, (await program(factory, "device:read")).token)
    for answer in (await backup.get(), await backup.post("restart"), await reader.post("backup")):
        assert error(answer, 403).keys() == {"error"}
    assert untouched(factory)
    assert (await backup.post("backup")).status_code == 200


@pytest.mark.parametrize("role", list(Role))
async def test_another_customer_has_no_installation(factory: FactoryServer, role: Role) -> None:
    """What is in the database is every customer's."""
    stranger = await neighbour(factory, role)
    who = caller(factory, stranger.token)
    before = await factory.contents()
    assert ok(await who.get())["user"]["username"] == "neighbour"
    for path in ADMINISTRATORS:
        refused = error(await who.post(path), 403)
        own: dict[str, Any] = {} if role is Role.ADMIN else {"allowed": []}
        assert refused == {"error": refused["error"], **own}
    await graph_is_closed(stranger)
    assert await factory.contents() == before
    assert untouched(factory)


async def graph_is_closed(client: Client) -> None:
    for document in (
        "{ backups { name } }",
        "mutation { createBackup { name } }",
        'mutation { removeBackup(name: "x") }',
        "mutation { restartInstallation }",
    ):
        assert await client.code(document) == "FORBIDDEN"


async def test_a_key_that_was_revoked(factory: FactoryServer) -> None:
    admin = await factory.logged_in("admin")
    made = await admin.ask(
        'mutation { createApiKey(input: {name: "old window", role: MANAGER}) {'
        " key apiKey { id } } }"
    )
    who = caller(factory, made["createApiKey"]["key"])
    shown = ok(await who.get())
    assert shown["user"] == {"access_level": "planner", "username": "old window"}
    assert error(await who.post("backup"), 403)["allowed"] == ["admin"]
    key_id = made["createApiKey"]["apiKey"]["id"]
    await admin.ask("mutation ($id: ID!) { revokeApiKey(id: $id) { id } }", id=key_id)
    error(await who.get(), 401)

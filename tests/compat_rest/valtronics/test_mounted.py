"""Where it answers: below the factory's own API and on a port of its own, either way with or
without the slash at the end, and with its own description."""

import pytest

from compat_rest.valtronics.app import DIALECT
from tests.support.clients import Client
from tests.support.factory import FactoryServer, own_port
from tests.support.valtronics import CODES, DEVICES, create, data, error, ok

OWN = "/api/v1/devices/"


@pytest.mark.parametrize(
    ("with_slash", "without"),
    [("", None), ("stats/", "stats"), ("status/online/", "status/online"), ("1/", "1")],
)
async def test_the_slash_may_be_there_or_not(
    manager: Client, with_slash: str, without: str | None
) -> None:
    await create(manager)
    one = DEVICES[:-1] if without is None else DEVICES + without
    for query in ("", "?page=1&time_range=24h"):
        found = await manager.http.get(one + query)
        assert data(found) == data(await manager.http.get(DEVICES + with_slash + query))


async def test_writes_without_the_slash_are_no_redirects(manager: Client) -> None:
    body = {"name": "a", "device_id": "a", "device_type": "sensor"}
    assert data(await manager.http.post(DEVICES[:-1], json=body))["id"] == 1
    assert data(await manager.http.put(DEVICES + "1/", json={"name": "b"}))["name"] == "b"
    told = await manager.http.put(DEVICES + "1/status/", json={"status": "error"})
    assert data(told)["status"] == "error"
    put = await manager.http.put(DEVICES + "1/configuration/", json={"configuration": {"a": 1}})
    assert data(put)["configuration"] == {"a": 1}
    assert data(await manager.http.get(DEVICES + "1/configuration/"))["device_id"] == 1
    assert data(await manager.http.delete(DEVICES + "1/")) is None


async def test_its_description_and_its_page(factory: FactoryServer) -> None:
    client = factory.client().http
    document = (await client.get("/valtronics/openapi.json")).json()
    assert document["info"]["title"] == "Valtronics Device API"
    assert document["servers"] == [{"url": "/valtronics"}]
    assert OWN in document["paths"]
    page = await client.get("/valtronics/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "Valtronics Device API" in page.text
    script = await client.get("/valtronics/docs/static/swagger-ui-bundle.min.js")
    assert script.status_code == 200


async def test_the_other_api_of_these_paths_is_another(
    factory: FactoryServer, manager: Client
) -> None:
    await create(manager)
    shown = (await manager.http.get("/api/v1/devices")).json()["data"]
    assert [one["id"] for one in shown] == ["TEMP-001"]
    answer = await factory.client().http.get("/api/v1/devices")
    assert answer.json()["error"]["code"] == "UNAUTHORIZED"


async def test_a_port_of_its_own(factory: FactoryServer, manager: Client) -> None:
    await create(manager)
    async with own_port(factory, DIALECT) as client:
        headers = {"authorization": f"Bearer {manager.token}"}
        for path in (OWN, OWN[:-1]):
            items = ok(await client.get(path, headers=headers))["data"]["items"]
            assert [one["device_id"] for one in items] == ["TEMP-001"]
        error(await client.get(OWN), 401)
        body = {"name": "b", "device_id": "b", "device_type": "sensor"}
        assert data(await client.post(OWN, json=body, headers=headers))["id"] == 2
        many = [body | {"device_id": name} for name in ("c", "d")]
        made = data(await client.post(OWN, json=many, headers=headers))
        assert [one["id"] for one in made] == [3, 4]
        wrong = await client.post(OWN, json=[body | {"name": ""}], headers=headers)
        assert error(wrong, 400)["details"]["field"] == "0.name"
        for path in ("/", "/valtronics/api/v1/devices/", "/graphql", "/health"):
            assert error(await client.get(path), 404)["code"] == CODES[404]
        assert "servers" not in (await client.get("/openapi.json")).json()
        assert "swagger" in (await client.get("/docs")).text
    assert data(await manager.http.get(DEVICES))["pagination"]["total"] == 4

"""One release, whoever makes it: the graph, the OKTO factory API and the orchestrator's show the
same, and what one changes or takes away the others no longer have."""

from typing import Any

import pytest

from tests.support.clients import Client, Json
from tests.support.factory import FactoryServer
from tests.support.factory_api import data
from tests.support.otao import API, KETTLE, done, refused, saved_filter, shown, upload

CREATE = """mutation ($input: CreateReleaseInput!) { createRelease(input: $input) { id } }"""
UPDATE = """mutation ($input: UpdateReleaseInput!) { updateRelease(input: $input) { id } }"""
RELEASES = """{ releases { edges { node { id application version state strategy needsFile
  specification metadata filename sizeBytes upgradableFrom { fromVersion }
  filters { filter activeFrom endpointFilter { name } } } } } }"""
DATE = "2019-04-20T11:19:57.848Z"
FILTERS = [{"filterId": "pilots", "rolloutDate": DATE}, {"filterId": "not-made-yet"}]


async def in_graph(client: Client) -> dict[str, Json]:
    """By version."""
    found = (await client.ask(RELEASES))["releases"]["edges"]
    return {edge["node"]["version"]: edge["node"] for edge in found}


async def in_otao(client: Client, application: str = "smart-kettle") -> dict[str, Json]:
    found = shown(await client.http.get(f"{API}/applications/{application}/software"))
    return {one["version"]: one for one in found}


async def test_what_otao_makes_is_a_release(each_factory: FactoryServer) -> None:
    client = await each_factory.logged_in("admin")
    await saved_filter(client, "pilots", kind="SENSOR")
    body: Json = {
        "specification": {"slot": 1},
        "metadata": [1, None],
        "upgradableFrom": ["1.0.0"],
        "rolloutStrategy": "targeted",
        "filters": FILTERS,
        "skipDispatchingToEndpoint": True,
    }
    done(await client.http.post(f"{KETTLE}/1.1.0", json=body), 201)
    done(await upload(client, "1.1.0"))
    found = (await in_graph(client))["1.1.0"]
    key = found.pop("id")
    assert found == {
        "application": "smart-kettle",
        "version": "1.1.0",
        "state": "PUBLISHED",
        "strategy": "TARGETED",
        "needsFile": True,
        "specification": {"slot": 1},
        "metadata": [1, None],
        "filename": "sketch.bin",
        "sizeBytes": 8.0,
        "upgradableFrom": [{"fromVersion": "1.0.0"}],
        "filters": [
            {
                "filter": "pilots",
                "activeFrom": "2019-04-20T11:19:57.848000Z",
                "endpointFilter": {"name": "The pilots"},
            },
            {"filter": "not-made-yet", "activeFrom": None, "endpointFilter": None},
        ],
    }
    [listed] = data(await client.http.get("/api/v1/firmware/releases"))
    assert (listed["version"], listed["filename"], listed["size"]) == ("1.1.0", "sketch.bin", 8)
    artifact = await client.http.get(f"/api/v1/firmware/releases/{listed['id']}/artifact")
    assert artifact.content == b"firmware"
    suspend = "mutation ($id: ID!) { suspendRelease(id: $id) { strategy } }"
    assert (await client.ask(suspend, id=key))["suspendRelease"] == {"strategy": "SUSPENDED"}
    assert (await in_otao(client))["1.1.0"]["rolloutStrategy"] == "suspended"
    publish = "mutation ($id: ID!) { publishRelease(id: $id) { strategy } }"
    assert (await client.ask(publish, id=key))["publishRelease"] == {"strategy": "TARGETED"}
    assert (await in_otao(client))["1.1.0"] == {
        "appName": "smart-kettle",
        "version": "1.1.0",
        "filename": "sketch.bin",
        **body,
    }


async def test_what_the_graph_makes_is_software(each_factory: FactoryServer) -> None:
    client = await each_factory.logged_in("admin")
    made: dict[str, Any] = {"application": "smart-kettle", "version": "1.0.0"}
    await client.ask(CREATE, input=made)
    assert await in_otao(client) == {
        "1.0.0": {
            "appName": "smart-kettle",
            "version": "1.0.0",
            "upgradableFrom": [],
            "rolloutStrategy": "suspended",
            "filters": [],
        }
    }
    key = (await in_graph(client))["1.0.0"]["id"]
    given = {
        "id": key,
        "strategy": "TARGETED",
        "filters": [{"filter": "pilots", "activeFrom": DATE}],
        "upgradableFrom": ["0.9.0"],
        "metadata": {"by": "graph"},
        "needsFile": True,
    }
    await client.ask(UPDATE, input=given)
    changed = (await in_otao(client))["1.0.0"]
    assert changed["rolloutStrategy"] == "targeted"
    assert changed["filters"] == [{"filterId": "pilots", "rolloutDate": DATE}]
    assert changed["upgradableFrom"] == ["0.9.0"]
    assert changed["metadata"] == {"by": "graph"}
    assert changed["skipDispatchingToEndpoint"] is True
    await client.ask(UPDATE, input={"id": key, "strategy": "GENERAL", "metadata": None})
    again = (await in_otao(client))["1.0.0"]
    assert again["rolloutStrategy"] == "general"
    assert again["filters"] == changed["filters"]
    assert "metadata" not in again
    assert await client.code(CREATE, input=made) == "CONFLICT"
    refused(await client.http.post(f"{KETTLE}/1.0.0", json={"rolloutStrategy": "general"}), 400)
    remove = "mutation ($id: ID!) { deleteRelease(id: $id) { id } }"
    await client.ask(remove, id=key)
    assert await in_otao(client) == {}


async def test_what_okto_uploads_is_software(each_factory: FactoryServer) -> None:
    client = await each_factory.logged_in("admin")
    query = "?version=3.0.0&filename=edge.bin"
    data(await client.http.post(f"/api/v1/firmware/releases{query}", content=b"firmware"))
    path = f"{API}/applications/edge/software/3.0.0"
    assert shown(await client.http.get(path)) == {
        "appName": "edge",
        "version": "3.0.0",
        "upgradableFrom": [],
        "filename": "edge.bin",
        "rolloutStrategy": "general",
        "filters": [],
    }
    link = shown(await client.http.get(f"{path}/files/edge.bin/links"))["link"]
    assert (await each_factory.client().http.get(link)).content == b"firmware"
    done(await client.http.delete(path))
    assert await in_graph(client) == {}


@pytest.mark.parametrize("by", ["id", "identifier"])
async def test_a_filter_makes_a_rollout(each_factory: FactoryServer, by: str) -> None:
    client = await each_factory.logged_in("manager")
    register = (
        "mutation ($input: [RegisterDeviceInput!]!) { registerDevices(input: $input) { id } }"
    )
    devices = [{"identifier": f"k{n}", "location": f"Zone {'AB'[n % 2]} - x"} for n in range(5)]
    await client.ask(register, input=devices)
    made = await saved_filter(client, "pilots", place="Zone A")
    assert made["deviceCount"] == 3
    query = "?version=3.0.0&filename=edge.bin"
    release = data(await client.http.post(f"/api/v1/firmware/releases{query}", content=b"f"))
    create = """mutation ($input: CreateRolloutInput!) {
      createRollout(input: $input) { groups { total } } }"""
    given: Json = {"releaseId": release["id"], "name": "Pilots", "endpointFilterIds": [made[by]]}
    found = (await client.ask(create, input=given))["createRollout"]
    assert found["groups"] == [{"total": 3}]
    named = given | {"deviceIds": ["k0", "k1"]}
    assert (await client.ask(create, input=named))["createRollout"]["groups"] == [{"total": 4}]
    unknown = given | {"endpointFilterIds": ["nobody"]}
    assert await client.code(create, input=unknown) == "NOT_FOUND"
    nobody = {"releaseId": release["id"], "name": "None"}
    assert await client.code(create, input=nobody) == "VALIDATION_ERROR"

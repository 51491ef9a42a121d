"""Where it answers: below the factory's own API and on a port of its own, with links that lead
back to where they were asked for."""

import pytest

from compat_rest.otao.app import DIALECT
from tests.support.clients import Client, Json
from tests.support.factory import FactoryServer, own_port
from tests.support.otao import KETTLE, create, done, refused, shown, upload

OWN = "/api/v1/applications/smart-kettle/software"


async def test_its_description_and_its_page(factory: FactoryServer) -> None:
    client = factory.client().http
    document = (await client.get("/otao/openapi.json")).json()
    assert document["servers"] == [{"url": "/otao"}]
    assert OWN.replace("smart-kettle", "{appName}") in document["paths"]
    page = await client.get("/otao/docs")
    assert "Over-the-Air Orchestrator" in page.text
    assert (await client.get("/updates/docs")).status_code == 200


async def test_a_port_of_its_own(factory: FactoryServer, manager: Client) -> None:
    await create(manager, "1.0.0")
    async with own_port(factory, DIALECT) as client:
        client.headers["authorization"] = f"Bearer {manager.token}"
        assert [one["version"] for one in shown(await client.get(OWN))] == ["1.0.0"]
        body = {"rolloutStrategy": "general"}
        made = done(await client.post(f"{OWN}/1.1.0", json=body), 201)
        assert made.headers["location"] == f"{client.base_url}".rstrip("/") + f"{OWN}/1.1.0"
        large = {"file": ("a.bin", b"x" * 4_100_000)}
        done(await client.put(f"{OWN}/1.1.0/files", files=large))
        link = shown(await client.get(f"{OWN}/1.1.0/files/a.bin/links"))["link"]
        assert link.startswith(f"{client.base_url}".rstrip("/") + "/files/")
        assert len((await factory.client().http.get(link)).content) == 4_100_000
        for path in ("/", KETTLE, "/graphql", "/health", "/updates/api/v1/software/offered"):
            refused(await client.get(path), 404)
        assert "servers" not in (await client.get("/openapi.json")).json()
    assert len(shown(await manager.http.get(KETTLE))) == 2


class TestOneNameOutside:
    """The factory is reached by a name that it was told."""

    @pytest.fixture
    def factory_settings(self) -> Json:
        return {"public_url": "https://factory.example"}

    async def test_addresses_have_it(self, factory: FactoryServer, manager: Client) -> None:
        made = await create(manager, "1.0.0")
        assert made.headers["location"] == f"https://factory.example{KETTLE}/1.0.0"
        done(await upload(manager, "1.0.0"))
        path = f"{KETTLE}/1.0.0/files/sketch.bin/links"
        link = shown(await manager.http.get(path))["link"]
        assert link.startswith("https://factory.example/otao/files/")
        query = """query ($application: String!) {
          releases(filter: {application: $application}) { edges { node { id } } } }"""
        found = await manager.ask(query, application="smart-kettle")
        [edge] = found["releases"]["edges"]
        ask = "query ($id: ID!) { artifactLink(releaseId: $id) { url filename } }"
        shown_link = (await manager.ask(ask, id=edge["node"]["id"]))["artifactLink"]
        assert shown_link["url"].startswith("https://factory.example/updates/files/")
        assert shown_link["filename"] == "sketch.bin"
        async with own_port(factory, DIALECT) as client:
            client.headers["authorization"] = f"Bearer {manager.token}"
            answer = await client.get(path.removeprefix("/otao"))
            assert shown(answer)["link"].startswith("http://127.0.0.1:")

    async def test_a_host_that_is_none_is_not_repeated(
        self, factory: FactoryServer, manager: Client
    ) -> None:
        headers = {"host": "evil.example/x?"}
        body = {"rolloutStrategy": "general"}
        answer = await manager.http.post(f"{KETTLE}/1.0.0", json=body, headers=headers)
        assert "evil" not in answer.headers.get("location", "")

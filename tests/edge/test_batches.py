"""An edge checks codes of a batch that only its factory knows: both real, each on its own disk."""

from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.graph.production.test_fields import batch_of
from tests.support import documents as ask
from tests.support.clients import Client, Json
from tests.support.codes import milk_codes
from tests.support.edge import Edge, EdgeFolders, running_edge
from tests.support.factory import FactoryServer
from tests.support.factory_pair import enrolled
from tests.support.processes import free_port
from tests.support.proxy import Proxy, Trouble, proxied

ROOT = "/api/v1/batch-accounting"
COUNT = 1_203
SET_STATUS = """mutation ($id: ID!) {
  setBottleStatus(input: {id: $id, status: REJECTED}) { id } }"""


@dataclass
class Site:
    """A factory with a batch in several pages, and the way to it. `token` is edge-001's."""

    factory: FactoryServer
    manager: Client
    proxy: Proxy
    token: str
    batch: Json
    codes: list[str]
    folders: EdgeFolders
    folder: Path

    def edge(self, **settings: Any) -> Any:
        told = {"factory_url": self.proxy.url, "edge_token": self.token} | settings
        return running_edge(self.folder, **told)

    @property
    def device(self) -> Client:
        return self.factory.client(self.token)


@pytest.fixture
async def site(
    each_factory: FactoryServer, edge_folders: EdgeFolders, tmp_path: Path
) -> AsyncIterator[Site]:
    admin = await each_factory.logged_in("admin")
    codes = milk_codes(COUNT)
    batch = await batch_of(admin, codes, name="From the factory")
    token = await enrolled(admin, "edge-001")
    folder = await edge_folders.fresh(tmp_path / "edge")
    async with proxied(each_factory.port) as proxy:
        yield Site(each_factory, admin, proxy, token, batch, codes, edge_folders, folder)


async def load(client: Client, key: str) -> Json:
    found: Json = (await client.ask(ask.LOAD_BUFFER, batch=key))["loadBuffer"]
    return found


async def check(client: Client, code: str) -> str:
    return str((await client.ask(ask.VERIFY_CODE, code=code))["verifyCode"]["verdict"])


async def nothing_loaded(edge: Edge) -> None:
    found = await edge.contents()
    assert found["buffer_batch"] == found["buffer_item"] == []


async def test_a_batch_of_the_factory_is_loaded_and_works_without_it(site: Site) -> None:
    async with site.edge() as edge:
        operator = await edge.logged_in("operator")
        done = await load(operator, site.batch["identifier"])
        assert (done["added"], done["batch"]["loaded"]) == (COUNT, COUNT)
        assert done["batch"]["id"] == site.batch["id"]
        assert done["batch"]["name"] == "From the factory"
        assert (await load(operator, site.batch["id"]))["added"] == 0
        assert await check(operator, site.codes[0]) == "VERIFIED"
    site.proxy.set(Trouble.REFUSE)
    site.proxy.cut()
    async with site.edge() as edge:
        operator = await edge.logged_in("operator")
        assert await check(operator, site.codes[0]) == "ALREADY_CONSUMED"
        assert await check(operator, site.codes[-1]) == "VERIFIED"
        shown = (await operator.ask(ask.BUFFER))["buffer"]
        assert (shown["loaded"], shown["consumed"]) == (COUNT, 2)


async def test_what_was_withdrawn_at_the_factory_stays_there(site: Site) -> None:
    gone = site.batch["bottles"][0]
    await site.manager.ask(SET_STATUS, id=gone["id"])
    async with site.edge() as edge:
        operator = await edge.logged_in("operator")
        assert (await load(operator, site.batch["identifier"]))["added"] == COUNT - 1
        assert await check(operator, gone["identifier"]) == "NOT_IN_BUFFER"


async def test_ones_own_batch_needs_no_factory(site: Site) -> None:
    """And comes first, should both bear the same number."""
    site.proxy.set(Trouble.REFUSE)
    async with site.edge() as edge:
        operator = await edge.logged_in("operator")
        codes = milk_codes(2, seed=7)
        own = await batch_of(operator, codes)
        assert own["identifier"] == site.batch["identifier"]
        assert (await load(operator, own["identifier"]))["batch"]["id"] == own["id"]
        assert await check(operator, codes[0]) == "VERIFIED"
        site.proxy.set(Trouble.NONE)
        both = await load(operator, site.batch["id"])
        assert (both["added"], both["batch"]["identifier"]) == (COUNT, own["identifier"])
        assert len((await operator.ask(ask.BUFFER))["buffer"]["batches"]) == 2


async def test_a_number_that_came_from_the_factory_stays_its_own(site: Site) -> None:
    async with site.edge() as edge:
        operator = await edge.logged_in("operator")
        await load(operator, site.batch["identifier"])
        own = await batch_of(operator, milk_codes(1, seed=7))
        assert own["identifier"] == site.batch["identifier"]
        again = await load(operator, own["identifier"])
        assert (again["batch"]["id"], again["added"]) == (site.batch["id"], 0)


@pytest.mark.parametrize("trouble", [Trouble.REFUSE, Trouble.HALVE_ANSWER, Trouble.RESET_ANSWER])
async def test_a_factory_that_is_away_changes_nothing(site: Site, trouble: Trouble) -> None:
    async with site.edge() as edge:
        operator = await edge.logged_in("operator")
        site.proxy.set(trouble)
        site.proxy.cut()
        key = {"batchIdentifier": site.batch["identifier"]}
        assert await operator.code(ask.LOAD_BUFFER, batch=site.batch["identifier"]) == (
            "SERVICE_UNAVAILABLE"
        )
        answer = await operator.http.post(f"{ROOT}/buffer/load", json=key)
        assert (answer.status_code, answer.json()["success"]) == (503, False)
        assert answer.json()["error"]["details"]["upstream"] == "factory"
        await nothing_loaded(edge)
        site.proxy.set(Trouble.NONE)
        assert (await load(operator, site.batch["identifier"]))["added"] == COUNT


async def test_a_token_that_is_none_changes_nothing(site: Site) -> None:
    async with site.edge(edge_token="nonsense") as edge:
        operator = await edge.logged_in("operator")
        refused = await operator.refusal(ask.LOAD_BUFFER, batch=site.batch["identifier"])
        assert refused["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        assert "token" in refused["message"]
        await nothing_loaded(edge)


async def test_what_neither_knows_is_not_found(site: Site) -> None:
    async with site.edge() as edge:
        operator = await edge.logged_in("operator")
        for key in ("B-1999-000001", "0" * 32, "with spaces / and ☃"):
            assert await operator.code(ask.LOAD_BUFFER, batch=key) == "NOT_FOUND"
        await nothing_loaded(edge)


async def test_an_edge_without_a_factory_has_its_own_only(
    edge_folders: EdgeFolders, tmp_path: Path
) -> None:
    folder = await edge_folders.fresh(tmp_path / "alone")
    async with running_edge(folder) as edge:
        operator = await edge.logged_in("operator")
        assert await operator.code(ask.LOAD_BUFFER, batch="B-1999-000001") == "NOT_FOUND"
    away = f"http://127.0.0.1:{free_port()}"
    async with running_edge(folder, factory_url=away, edge_token="any") as edge:
        operator = await edge.logged_in("operator")
        assert await operator.code(ask.LOAD_BUFFER, batch="B-1999-000001") == (
            "SERVICE_UNAVAILABLE"
        )


OPEN = """query ($id: String!) { batchContent(identifier: $id) {
  batch { id identifier } bottles(first: 1) { totalCount edges { node { gtin serial } } } } }"""
CLOSED = (
    "{ bottles { totalCount } }",
    "{ batches { totalCount } }",
    "{ scans { totalCount } }",
    "{ bottleCounts { count } }",
    "{ buffer { loaded } }",
    "query ($id: ID!) { batch(id: $id) { id } }",
    "query ($id: String!) { trace(identifier: $id) { path { identifier } } }",
    "query ($id: String!) { batchContent(identifier: $id) { batch { bottles { id } } } }",
    "query ($id: String!) { batchContent(identifier: $id) { batch { pallet { id } } } }",
    """query ($id: String!) { batchContent(identifier: $id) {
      bottles(first: 1) { edges { node { batch { id } } } } } }""",
    "mutation ($id: ID!) { disaggregate(id: $id) { id } }",
    "mutation ($id: String!) { loadBuffer(batchIdentifier: $id) { added } }",
    "mutation { clearBuffer { cleared } }",
    'mutation { verifyCode(code: "x") { verified } }',
)


async def test_a_devices_token_opens_the_content_of_a_batch_and_no_more(site: Site) -> None:
    found = (await site.device.ask(OPEN, id=site.batch["identifier"]))["batchContent"]
    assert found["bottles"]["totalCount"] == COUNT
    await site.manager.ask(ask.COMPLETE_BATCH, id=site.batch["id"])
    await site.manager.ask(ask.CREATE_PALLET, input={"batchIds": [site.batch["id"]]})
    before = await site.factory.contents()
    key = b64decode(site.batch["id"]).decode().partition(":")[2]
    for document in CLOSED:
        given = {"id": key} if "$id" in document else {}
        assert await site.device.code(document, **given) == "FORBIDDEN", document
    assert await site.factory.contents() == before

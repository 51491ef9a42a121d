"""Another customer's data is as good as absent, whichever way one asks."""

from typing import Any

import pytest

from domain.identity import operations as identity
from domain.identity.commands import CreateUser
from domain.kernel.actor import system_actor
from domain.kernel.permissions import Role
from tests.graph.production.test_fields import batch_of
from tests.graph.production.test_node import NODE, one_of_each, plain
from tests.support import documents as ask
from tests.support.codes import DOCUMENTED, milk_codes
from tests.support.databases import new_customer
from tests.support.edge import Client, Edge


@pytest.fixture
async def stranger(edge: Edge) -> Client:
    """An administrator of a second customer on the same installation."""
    customer_id = await new_customer(edge.database, "Dairy Two")
    services = edge.runtime.services
    command = CreateUser.of(username="stranger", password="long enough", role=Role.ADMIN)
    async with services.transactions.begin(system_actor("test", customer_id)) as work:
        user = await identity.create_user(work, command, "no hash: nobody logs in by a password")
    return edge.client(edge.token(user))


async def test_lists_are_empty_for_a_stranger(manager: Client, stranger: Client) -> None:
    await one_of_each(manager)
    for name in ("bottles", "batches", "pallets", "scans", "events"):
        query = f"{{ {name} {{ totalCount edges {{ node {{ id }} }} }} }}"
        assert (await manager.ask(query))[name]["totalCount"] > 0
        assert (await stranger.ask(query))[name] == {"totalCount": 0, "edges": []}
    assert (await stranger.ask("{ bottleCounts { count } }"))["bottleCounts"] == []


async def test_ids_and_identifiers_name_nothing_to_a_stranger(
    manager: Client, stranger: Client
) -> None:
    known = await one_of_each(manager)
    for key in known.values():
        assert (await stranger.ask(NODE, id=key))["node"] is None
    for field, name in {"bottle": "Bottle", "batch": "Batch", "pallet": "Pallet"}.items():
        query = f"query ($id: ID!) {{ {field}(id: $id) {{ identifier }} }}"
        identifier = (await manager.ask(query, id=known[name]))[field]["identifier"]
        for key in (known[name], plain(known[name])):
            assert (await stranger.ask(query, id=key))[field] is None
        named = f"query ($n: String) {{ {field}(identifier: $n) {{ id }} }}"
        assert (await stranger.ask(named, n=identifier))[field] is None
        assert (await stranger.ask(ask.TRACE, identifier=identifier))["trace"] is None
        assert (await stranger.ask(ask.TRACE, identifier=known[name]))["trace"] is None


async def test_a_stranger_changes_nothing(edge: Edge, manager: Client, stranger: Client) -> None:
    known = await one_of_each(manager)
    batch = await batch_of(manager, milk_codes(1, seed=3))
    own = (await stranger.ask(ask.CREATE_BATCH, input={}))["createBatch"]
    inside = batch["bottles"][0]["id"]
    acts: list[tuple[str, dict[str, Any]]] = [
        (ask.COMPLETE_BATCH, {"id": batch["id"]}),
        (ask.COMPLETE_PALLET, {"id": known["Pallet"]}),
        (ask.DISAGGREGATE, {"id": known["Pallet"]}),
        (ask.DISAGGREGATE, {"id": batch["id"]}),
        (ask.ACKNOWLEDGE, {"id": known["Event"]}),
        (ask.SET_STATUS, {"input": {"id": known["Bottle"], "status": "DELETED"}}),
        (ask.ADD_BOTTLES, {"input": {"batchId": batch["id"], "bottleIds": [known["Bottle"]]}}),
        (ask.ADD_BOTTLES, {"input": {"batchId": own["id"], "bottleIds": [known["Bottle"]]}}),
        (ask.REMOVE_BOTTLES, {"input": {"batchId": batch["id"], "bottleIds": [inside]}}),
        (ask.CREATE_BATCH, {"input": {"bottleIds": [known["Bottle"]]}}),
        (ask.CREATE_PALLET, {"input": {"batchIds": [known["Batch"]]}}),
    ]
    before = await edge.contents()
    for document, given in acts:
        assert await stranger.code(document, **given) == "NOT_FOUND", given
    assert (await stranger.ask(ask.ACKNOWLEDGE_ALL))["acknowledgeAllEvents"]["acknowledged"] == 0
    assert await edge.contents() == before


async def test_the_same_code_is_another_bottle_to_each(manager: Client, stranger: Client) -> None:
    ours = (await manager.ask(ask.SCAN, input={"code": DOCUMENTED}))["scan"]
    theirs = (await stranger.ask(ask.SCAN, input={"code": DOCUMENTED}))["scan"]
    assert (ours["duplicate"], theirs["duplicate"]) == (False, False)
    assert ours["bottle"]["id"] != theirs["bottle"]["id"]


async def test_each_has_a_buffer_of_its_own(edge: Edge, manager: Client, stranger: Client) -> None:
    codes = milk_codes(2)
    batch = await batch_of(manager, codes)
    await manager.ask(ask.LOAD_BUFFER, batch=batch["identifier"])
    before = await edge.contents()
    for key in (batch["identifier"], batch["id"]):
        assert await stranger.code(ask.LOAD_BUFFER, batch=key) == "NOT_FOUND"
        assert await stranger.code(ask.CLEAR_BUFFER, batch=key) == "NOT_FOUND"
        found = await stranger.ask(ask.BATCH_CONTENT, identifier=key)
        assert found["batchContent"] is None
    assert (await stranger.ask(ask.VERIFY_CODE, code=codes[0]))["verifyCode"]["verdict"] == (
        "NOT_IN_BUFFER"
    )
    assert (await stranger.ask(ask.CLEAR_BUFFER))["clearBuffer"]["cleared"] == 0
    assert (await stranger.ask(ask.BUFFER))["buffer"]["batches"] == []
    assert await edge.contents() == before
    theirs = await batch_of(stranger, codes)
    await stranger.ask(ask.LOAD_BUFFER, batch=theirs["id"])
    for client in (manager, stranger):
        done = (await client.ask(ask.VERIFY_CODE, code=codes[0]))["verifyCode"]
        assert done["verified"], "the same code is another one to each"


async def test_streams_carry_ones_own_only(edge: Edge, manager: Client, stranger: Client) -> None:
    async with stranger.subscribe("subscription { scans { scan { code } } }") as stream:
        await edge.subscribers(1)
        ours, theirs = milk_codes(2)
        await manager.ask(ask.SCAN, input={"code": ours})
        await stranger.ask(ask.SCAN, input={"code": theirs})
        assert (await stream.next())["scans"]["scan"]["code"] == theirs

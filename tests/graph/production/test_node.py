"""Ids: global or plain for whatever takes one, and null for whatever is not there."""

from base64 import b64decode, b64encode
from typing import Any

from tests.graph.production.test_fields import batch_of, created
from tests.support import alarms, fleet_nodes
from tests.support import documents as ask
from tests.support.codes import DOCUMENTED, milk_codes
from tests.support.edge import Client, Edge

NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
PROGRAMS = {"ApiKey", "OAuthClient"}
"""tests/graph/identity finds them."""
EXPORTS = {"ExportTask"}
"""tests/compat_rest/insight finds them, where they are made."""
ELSEWHERE = alarms.TYPES | fleet_nodes.TYPES | PROGRAMS | EXPORTS

CATALOGUES = {
    "CloudEndpoint": '{name: "Main", url: "https://cloud"}',
    "Site": '{code: "a", name: "A"}',
    "Variant": '{code: "a", name: "A"}',
}


def plain(global_id: str) -> str:
    return b64decode(global_id).decode().partition(":")[2]


def made_up(name: str, key: str) -> str:
    return b64encode(f"{name}:{key}".encode()).decode()


async def newest_audit_entry(client: Client) -> str:
    found = await client.ask("{ auditLog(first: 1) { edges { node { id } } } }")
    key: str = found["auditLog"]["edges"][0]["node"]["id"]
    return key


async def one_of_each(client: Client) -> dict[str, str]:
    """Global ids by type."""
    scan = (await client.ask(ask.SCAN, input={"code": DOCUMENTED}))["scan"]
    batch = await batch_of(client, milk_codes(1))
    await client.ask(ask.COMPLETE_BATCH, id=batch["id"])
    pallet = await client.ask(ask.CREATE_PALLET, input={"batchIds": [batch["id"]]})
    trace = (await client.ask(ask.TRACE, identifier=batch["identifier"]))["trace"]
    event = (await client.ask(ask.RECORD_EVENT, input={"message": "note"}))["recordEvent"]
    known = {
        "Bottle": scan["bottle"]["id"],
        "Scan": scan["scan"]["id"],
        "Batch": batch["id"],
        "Pallet": pallet["createPallet"]["id"],
        "TraceEvent": trace["events"][0]["id"],
        "Event": event["id"],
        "AuditEntry": await newest_audit_entry(client),
        "User": (await client.ask("{ me { id } }"))["me"]["id"],
    }
    return known | await of_the_catalogues(client)


async def of_the_catalogues(client: Client) -> dict[str, str]:
    """Made at the first call."""
    found: dict[str, str] = {}
    for name, made in CATALOGUES.items():
        listed = f"{name[0].lower()}{name[1:]}s"
        if not (await client.ask(f"{{ {listed} {{ id }} }}"))[listed]:
            await client.ask(f"mutation {{ add{name}(input: {made}) {{ id }} }}")
        found[name] = (await client.ask(f"{{ {listed} {{ id }} }}"))[listed][0]["id"]
    return found


async def test_every_type_is_found_again(each_edge: Edge) -> None:
    manager = await each_edge.logged_in("manager")
    for name, key in (await one_of_each(manager)).items():
        found = await manager.ask(NODE, id=key)
        assert found["node"] == {"__typename": name, "id": key}


async def test_every_type_that_is_a_node_is_covered(manager: Client) -> None:
    found = await manager.ask('{ __type(name: "Node") { possibleTypes { name } } }')
    names = {kind["name"] for kind in found["__type"]["possibleTypes"]}
    assert names == set(await one_of_each(manager)) | ELSEWHERE


async def test_what_is_not_there_is_null(each_edge: Edge) -> None:
    manager = await each_edge.logged_in("manager")
    known = await one_of_each(manager)
    foreign = [made_up(name, "0" * 32) for name in known if name != "User"]
    foreign += [made_up(name, "nonsense") for name in known if name != "User"]
    foreign += [made_up("Batch", plain(known["Bottle"])), made_up("Nothing", "1"), "", "a\0b"]
    foreign += ["nonsense", "====", plain(known["Bottle"]), made_up("__class__", "1"), "é" * 40]
    for key in foreign:
        assert (await manager.ask(NODE, id=key))["node"] is None, key


async def test_another_user_is_not_an_operators_to_see(operator: Client, manager: Client) -> None:
    me = (await manager.ask("{ me { id } }"))["me"]["id"]
    assert await operator.code(NODE, id=me) == "FORBIDDEN"
    operators = (await operator.ask("{ me { id } }"))["me"]["id"]
    assert (await manager.ask(NODE, id=operators))["node"]["id"] == operators
    assert (await manager.ask(NODE, id=made_up("User", "nonsense")))["node"] is None


SINGLES = {"bottle": "Bottle", "batch": "Batch", "pallet": "Pallet", "event": "Event"}


async def test_single_objects_by_either_id(manager: Client) -> None:
    known = await one_of_each(manager)
    for field, name in SINGLES.items():
        query = f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}"
        for key in (known[name], plain(known[name])):
            assert (await manager.ask(query, id=key))[field] == {"id": known[name]}
        for key in ("0" * 32, "nonsense", "", known["Scan"], made_up(name, "x")):
            assert (await manager.ask(query, id=key))[field] is None, (field, key)


async def test_single_objects_need_exactly_one_name(operator: Client) -> None:
    for field in ("bottle", "batch", "pallet"):
        assert await operator.code(f"{{ {field} {{ id }} }}") == "VALIDATION_ERROR"
        both = f'{{ {field}(id: "a", identifier: "b") {{ id }} }}'
        assert await operator.code(both) == "VALIDATION_ERROR"


async def test_arguments_take_plain_ids(operator: Client) -> None:
    bottles = [plain(key) for key in await created(operator, milk_codes(3))]
    batch = (await operator.ask(ask.CREATE_BATCH, input={"bottleIds": bottles[:1]}))["createBatch"]
    batch_id = plain(batch["id"])
    steps: list[tuple[str, dict[str, Any]]] = [
        (ask.ADD_BOTTLES, {"input": {"batchId": batch_id, "bottleIds": bottles[1:]}}),
        (ask.REMOVE_BOTTLES, {"input": {"batchId": batch_id, "bottleIds": bottles[2:]}}),
        (ask.SET_STATUS, {"input": {"id": bottles[2], "status": "REJECTED"}}),
        (ask.COMPLETE_BATCH, {"id": batch_id}),
    ]
    for document, given in steps:
        await operator.ask(document, **given)
    pallet = (await operator.ask(ask.CREATE_PALLET, input={}))["createPallet"]
    pallet_id = plain(pallet["id"])
    load = {"palletId": pallet_id, "batchIds": [batch_id]}
    await operator.ask(ask.ADD_BATCHES, input=load)
    await operator.ask(ask.COMPLETE_PALLET, id=pallet_id)
    await operator.ask(ask.DISAGGREGATE, id=pallet_id)
    event = (await operator.ask(ask.RECORD_EVENT, input={"message": "note"}))["recordEvent"]
    seen = await operator.ask(ask.ACKNOWLEDGE, id=plain(event["id"]))
    assert seen["acknowledgeEvent"]["acknowledgedBy"] == "operator"


async def test_writes_to_what_is_not_there_are_not_found(edge: Edge, operator: Client) -> None:
    (bottle,) = await created(operator, milk_codes(1))
    batch = await batch_of(operator, [])
    before = await edge.contents()
    for key in ("0" * 32, "nonsense", "", bottle):
        for document in (
            ask.COMPLETE_BATCH,
            ask.COMPLETE_PALLET,
            ask.DISAGGREGATE,
            ask.ACKNOWLEDGE,
        ):
            assert await operator.code(document, id=key) == "NOT_FOUND", (document, key)
        move = {"batchId": key, "bottleIds": [bottle]}
        assert await operator.code(ask.ADD_BOTTLES, input=move) == "NOT_FOUND"
    move = {"batchId": batch["id"], "bottleIds": [bottle, "nonsense"]}
    assert await operator.code(ask.ADD_BOTTLES, input=move) == "NOT_FOUND"
    assert await edge.contents() == before

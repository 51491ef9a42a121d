"""Lists: windows from both ends, filters, counts only when asked for, few statements."""

from typing import Any

import pytest

from tests.graph.production.test_fields import batch_of, created
from tests.support import documents as ask
from tests.support.codes import GTIN, OTHER_GTIN, milk_codes
from tests.support.edge import Client, Edge

LISTS = ("bottles", "batches", "pallets", "scans", "events")
WINDOW = """query ($first: Int, $after: String, $last: Int, $before: String) {{
  {name}(first: $first, after: $after, last: $last, before: $before) {{
    edges {{ cursor node {{ id }} }}
    pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"""


async def filled(client: Client, count: int) -> None:
    """So many of everything."""
    for code in milk_codes(count, seed=9):
        await client.ask(ask.SCAN, input={"code": code})
        await client.ask(ask.CREATE_BATCH, input={})
        await client.ask(ask.CREATE_PALLET, input={})
        await client.ask(ask.RECORD_EVENT, input={"message": "a note"})


async def window(client: Client, name: str, **given: Any) -> tuple[list[str], dict[str, Any]]:
    found = (await client.ask(WINDOW.format(name=name), **given))[name]
    return [edge["node"]["id"] for edge in found["edges"]], found["pageInfo"]


async def test_every_list_can_be_walked_from_both_ends(operator: Client) -> None:
    await filled(operator, 7)
    for name in LISTS:
        whole, info = await window(operator, name)
        assert len(whole) >= 7
        assert (info["hasNextPage"], info["hasPreviousPage"]) == (False, False)
        forwards: list[str] = []
        cursor = None
        while True:
            some, info = await window(operator, name, first=3, after=cursor)
            forwards += some
            cursor = info["endCursor"]
            assert info["hasPreviousPage"] is (len(forwards) > len(some))
            if not info["hasNextPage"]:
                break
        assert forwards == whole, name
        backwards: list[str] = []
        cursor = None
        while True:
            some, info = await window(operator, name, last=3, before=cursor)
            backwards = some + backwards
            cursor = info["startCursor"]
            if not info["hasPreviousPage"]:
                break
        assert backwards == whole, name
        middle = whole[2:5]
        edges = await operator.ask(f"{{ {name} {{ edges {{ cursor }} }} }}")
        cursors = [edge["cursor"] for edge in edges[name]["edges"]]
        found, _ = await window(operator, name, first=3, after=cursors[1])
        assert found == middle
        found, _ = await window(operator, name, first=500, after=cursors[1], before=cursors[5])
        assert found == middle
        nothing, info = await window(operator, name, first=0)
        assert (nothing, info["hasNextPage"], info["startCursor"]) == ([], True, None)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "given",
    [
        {"first": 501},
        {"last": 501},
        {"first": -1},
        {"first": 1, "last": 1},
        {"after": "nonsense"},
        {"after": ""},
        {"before": "a\0b"},
        {"after": "Qm90dGxlOjE="},
        {"first": "ten"},
    ],
    ids=str,
)
async def test_a_window_that_cannot_be_is_refused(
    operator: Client, name: str, given: dict[str, Any]
) -> None:
    assert await operator.code(WINDOW.format(name=name), **given) == "VALIDATION_ERROR"


@pytest.mark.parametrize("name", LISTS)
async def test_a_total_is_counted_only_when_it_is_asked_for(
    edge: Edge, operator: Client, name: str
) -> None:
    await filled(operator, 2)
    with edge.statements() as seen:
        await operator.ask(f"{{ {name}(first: 1) {{ edges {{ cursor }} }} }}")
    assert not [statement for statement in seen if "count(" in statement.lower()]
    with edge.statements() as seen:
        found = await operator.ask(f"{{ {name}(first: 1) {{ totalCount edges {{ cursor }} }} }}")
    assert len([statement for statement in seen if "count(" in statement.lower()]) == 1
    assert len(found[name]["edges"]) == 1
    whole, _ = await window(operator, name)
    assert found[name]["totalCount"] == len(whole)


async def ids(client: Client, name: str, wanted: dict[str, Any], kind: str) -> list[str]:
    shown = "totalCount edges { node { id } }"
    query = f"query ($filter: {kind}) {{ {name}(filter: $filter) {{ {shown} }} }}"
    found = (await client.ask(query, filter=wanted))[name]
    assert found["totalCount"] == len(found["edges"])
    return [edge["node"]["id"] for edge in found["edges"]]


async def test_filters_of_bottles(each_edge: Edge) -> None:
    operator = await each_edge.logged_in("operator")
    first = await created(operator, milk_codes(2, 1, GTIN), lineId="line-001", party="P1")
    second = await created(operator, milk_codes(3, 2, OTHER_GTIN), lineId="line-002")
    batch = (await operator.ask(ask.CREATE_BATCH, input={"bottleIds": first[:1]}))["createBatch"]
    made = await operator.ask("query ($id: ID!) { bottle(id: $id) { createdAt } }", id=second[0])
    at = made["bottle"]["createdAt"]
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({}, [*first, *second]),
        ({"status": "IN_BATCH"}, first[:1]),
        ({"lineId": "line-002"}, second),
        ({"gtin": GTIN}, first),
        ({"party": "P1", "status": "CREATED"}, first[1:]),
        ({"batchId": batch["id"]}, first[:1]),
        ({"batchId": "0" * 32}, []),
        ({"batchId": "nonsense"}, []),
        ({"batchId": ""}, []),
        ({"createdFrom": at}, second),
        ({"createdTo": at}, first),
        ({"lineId": "' OR 1=1 --"}, []),
    ]
    for wanted, found in expected:
        assert sorted(await ids(operator, "bottles", wanted, "BottleFilterInput")) == sorted(found)
    query = "query ($filter: BottleFilterInput) { bottles(filter: $filter) { totalCount } }"
    for wrong in ({"lineId": "a\0b"}, {"gtin": "\0"}, {"status": 1}, {"createdFrom": "now"}):
        assert await operator.code(query, filter=wrong) == "VALIDATION_ERROR", wrong


async def test_filters_of_batches_pallets_and_scans(each_edge: Edge) -> None:
    operator = await each_edge.logged_in("operator")
    full = await batch_of(operator, milk_codes(1), batchSize=1, lineId="line-001", deviceId="d1")
    open_ = await batch_of(operator, [], lineId="line-002")
    pallet = (
        await operator.ask(
            ask.CREATE_PALLET, input={"batchIds": [full["id"]], "lineId": "line-001"}
        )
    )["createPallet"]
    kind = "BatchFilterInput"
    for wanted, found in (
        ({"status": "COMPLETE"}, [full]),
        ({"status": "IN_PROGRESS"}, [open_]),
        ({"lineId": "line-002"}, [open_]),
        ({"deviceId": "d1"}, [full]),
        ({"sentStatus": "NOT_SENT"}, [open_, full]),
        ({"palletId": pallet["id"]}, [full]),
        ({"palletId": "garbage"}, []),
    ):
        assert await ids(operator, "batches", wanted, kind) == [one["id"] for one in found]
    assert await ids(operator, "pallets", {"lineId": "line-001"}, "PalletFilterInput") == [
        pallet["id"]
    ]
    assert await ids(operator, "pallets", {"status": "COMPLETE"}, "PalletFilterInput") == []
    good, again = milk_codes(1, 5) * 2
    first = await operator.ask(ask.SCAN, input={"code": good, "lineId": "l", "scannerIndex": 4})
    second = await operator.ask(ask.SCAN, input={"code": again})
    third = await operator.ask(ask.SCAN, input={"code": "12345"})
    one, two, three = (found["scan"]["scan"]["id"] for found in (first, second, third))
    bottle = first["scan"]["bottle"]["id"]
    for wanted, expected in (
        ({"valid": False}, [three]),
        ({"duplicate": True}, [two]),
        ({"lineId": "l"}, [one]),
        ({"scannerIndex": 4}, [one]),
        ({"bottleId": bottle}, [two, one]),
        ({"bottleId": "garbage"}, []),
        ({"scannedFrom": "2999-01-01T00:00:00Z"}, []),
        ({"scannedTo": "2999-01-01T00:00:00Z", "valid": True}, [two, one]),
    ):
        assert await ids(operator, "scans", wanted, "ScanFilterInput") == expected, wanted


DEEP = (
    "{ batches(first: %d) { edges { node { bottles { id batch { id } } } } } }",
    "{ bottles(first: %d) { edges { node { id batch { id pallet { id sscc } } } } } }",
    "{ scans(first: %d) { edges { node { id bottle { id batch { id pallet { id } } } } } } }",
)


async def test_nested_lists_cost_a_statement_a_level(edge: Edge, operator: Client) -> None:
    for code in milk_codes(100, seed=4):
        scanned = await operator.ask(ask.SCAN, input={"code": code})
        ids = [scanned["scan"]["bottle"]["id"]]
        await operator.ask(ask.CREATE_BATCH, input={"bottleIds": ids, "batchSize": 1})
    found = await operator.ask("{ batches(first: 100) { edges { node { id } } } }")
    batches = [one["node"]["id"] for one in found["batches"]["edges"]]
    for start in range(0, 100, 25):
        await operator.ask(ask.CREATE_PALLET, input={"batchIds": batches[start : start + 25]})
    for query in DEEP:
        costs = []
        for first in (10, 100):
            with edge.statements() as seen:
                answer = await operator.ask(query % first)
            assert len(next(iter(answer.values()))["edges"]) == first
            costs.append(len(seen))
        assert costs[0] == costs[1], seen
        assert costs[0] <= 4
    with edge.statements() as seen:
        await operator.ask(
            "{ pallets(first: 4) { edges { node { batches { bottles { id } } } } } }"
        )
    assert len(seen) == 3

"""Every field of production through real HTTP, on both databases where storage has a say."""

from typing import Any

import pytest

from domain.production.codes import is_sscc
from tests.support import documents as ask
from tests.support.codes import DOCUMENTED, TOO_SHORT, milk_codes
from tests.support.edge import Client, Edge

Json = dict[str, Any]


async def created(client: Client, codes: list[str], **more: Any) -> list[str]:
    """The global ids of the bottles."""
    given = {"bottles": [{"identifier": code} | more for code in codes]}
    answer = await client.ask(ask.CREATE_BOTTLES, input=given)
    return [bottle["id"] for bottle in answer["createBottles"]["bottles"]]


async def batch_of(client: Client, codes: list[str], **more: Any) -> Json:
    ids = await created(client, codes) if codes else []
    answer = await client.ask(ask.CREATE_BATCH, input={"bottleIds": ids, **more})
    found: Json = answer["createBatch"]
    return found


async def test_the_whole_way_of_a_code(each_edge: Edge) -> None:
    operator = await each_edge.logged_in("operator")
    given = {
        "code": DOCUMENTED,
        "timestamp": "2026-01-01T10:00:00.000001Z",
        "lineId": "line-001",
        "scannerIndex": 2,
    }
    scan = (await operator.ask(ask.SCAN, input=given))["scan"]
    assert (scan["valid"], scan["duplicate"], scan["gtin"]) == (True, False, "04600000000017")
    assert scan["scan"] | {"id": ""} == {
        "id": "",
        "code": DOCUMENTED,
        "timestamp": "2026-01-01T10:00:00.000001Z",
        "source": "API",
        "lineId": "line-001",
        "scannerIndex": 2,
    }
    bottle = scan["bottle"]
    assert bottle | {"id": ""} == {
        "id": "",
        "identifier": DOCUMENTED,
        "gtin": "04600000000017",
        "serial": "ABC123",
        "status": "CREATED",
        "lineId": "line-001",
    }
    again = (await operator.ask(ask.SCAN, input={"code": DOCUMENTED}))["scan"]
    assert (again["valid"], again["duplicate"], again["reason"]) == (True, True, "DUPLICATE")
    assert again["bottle"]["id"] == bottle["id"]
    bad = (await operator.ask(ask.SCAN, input={"code": TOO_SHORT}))["scan"]
    assert (bad["valid"], bad["reason"], bad["bottle"]) == (False, "BAD_LENGTH", None)
    assert bad["message"] == "Invalid code length for industry"

    batch = (await operator.ask(ask.CREATE_BATCH, input={"name": "First", "batchSize": 3}))[
        "createBatch"
    ]
    others = await created(operator, milk_codes(2))
    move = {"batchId": batch["id"], "bottleIds": [bottle["id"], *others]}
    added = (await operator.ask(ask.ADD_BOTTLES, input=move))["addBottlesToBatch"]
    assert added == {
        "added": 3,
        "batch": {"id": batch["id"], "status": "COMPLETE", "bottleCount": 3},
    }
    pallet = (await operator.ask(ask.CREATE_PALLET, input={"batchIds": [batch["id"]]}))[
        "createPallet"
    ]
    assert is_sscc(pallet["sscc"])
    assert (pallet["batchCount"], pallet["batches"][0]["id"]) == (1, batch["id"])
    done = (await operator.ask(ask.COMPLETE_PALLET, id=pallet["id"]))["completePallet"]
    assert done["status"] == "COMPLETE"

    for name in (DOCUMENTED, bottle["id"], DOCUMENTED[:26]):
        found = (await operator.ask(ask.TRACE, identifier=name))["trace"]
        if name == DOCUMENTED[:26]:
            continue
        assert [step["kind"] for step in found["path"]] == ["PALLET", "BATCH", "BOTTLE"]
        assert [one["duplicate"] for one in found["scans"]] == [False, True]
    for name in (pallet["identifier"], pallet["sscc"], f"00{pallet['sscc']}", pallet["id"]):
        found = (await operator.ask(ask.TRACE, identifier=name))["trace"]
        (below,) = found["tree"]["children"]
        assert (below["identifier"], len(below["children"])) == (batch["identifier"], 3)
    past = await operator.ask(ask.TRACE, identifier=DOCUMENTED, asOf="2020-01-01T00:00:00Z")
    assert past["trace"] is None

    refused = await operator.code(ask.DISAGGREGATE, id=batch["id"])
    assert refused == "CONFLICT"
    for one, kind in ((pallet, "Pallet"), (batch, "Batch")):
        apart = (await operator.ask(ask.DISAGGREGATE, id=one["id"]))["disaggregate"]
        assert (apart["__typename"], apart["status"]) == (kind, "DISAGGREGATED")
    free = await operator.ask(
        "query ($id: ID!) { bottle(id: $id) { status batch { id } } }", id=bottle["id"]
    )
    assert free["bottle"] == {"status": "CREATED", "batch": None}


async def test_validating_stores_nothing_and_says_what_a_scan_would(
    edge: Edge, operator: Client
) -> None:
    (code,) = milk_codes(1)
    before = await edge.contents()
    good = (await operator.ask(ask.VALIDATE, code=code))["validateCode"]
    assert (good["valid"], good["duplicate"], good["profile"]) == (True, False, "milk")
    lost = (await operator.ask(ask.VALIDATE, code=code.replace("\x1d", "")))["validateCode"]
    assert (lost["valid"], lost["gsLost"]) == (True, True)
    bad = (await operator.ask(ask.VALIDATE, code=TOO_SHORT))["validateCode"]
    assert (bad["valid"], bad["reason"]) == (False, "BAD_LENGTH")
    assert await edge.contents() == before
    scanned = (await operator.ask(ask.SCAN, input={"code": code}))["scan"]
    before = await edge.contents()
    known = (await operator.ask(ask.VALIDATE, code=code))["validateCode"]
    again = (await operator.ask(ask.SCAN, input={"code": code}))["scan"]
    for name in ("valid", "duplicate", "gtin", "reason", "message"):
        assert known[name] == again[name], name
    assert known["bottle"]["id"] == scanned["bottle"]["id"]


async def test_bulk_creation_conflicts_and_stores_nothing(edge: Edge, operator: Client) -> None:
    codes = milk_codes(3)
    await created(operator, codes[:1])
    before = await edge.contents()
    refused = await operator.refusal(
        ask.CREATE_BOTTLES, input={"bottles": [{"identifier": code} for code in codes]}
    )
    assert refused["extensions"]["code"] == "CONFLICT"
    assert refused["extensions"]["details"]["identifiers"] == codes[:1]
    code = await operator.code(ask.CREATE_BOTTLES, input={"bottles": [{"identifier": TOO_SHORT}]})
    assert code == "VALIDATION_ERROR"
    assert await operator.code(ask.CREATE_BOTTLES, input={"bottles": []}) == "VALIDATION_ERROR"
    assert await edge.contents() == before


async def test_moving_out_of_a_batch(operator: Client) -> None:
    batch = await batch_of(operator, milk_codes(2))
    ids = [bottle["id"] for bottle in batch["bottles"]]
    move = {"batchId": batch["id"], "bottleIds": ids[:1]}
    moved = (await operator.ask(ask.REMOVE_BOTTLES, input=move))["removeBottlesFromBatch"]
    assert (moved["added"], moved["batch"]["bottleCount"]) == (-1, 1)
    assert await operator.code(ask.REMOVE_BOTTLES, input=move) == "CONFLICT"
    done = (await operator.ask(ask.COMPLETE_BATCH, id=batch["id"]))["completeBatch"]
    assert done["status"] == "COMPLETE"
    assert done["completedAt"].endswith("Z")
    assert await operator.code(ask.ADD_BOTTLES, input=move) == "CONFLICT"


async def test_a_pallet_is_loaded_later(operator: Client) -> None:
    batch = await batch_of(operator, milk_codes(1), batchSize=1)
    pallet = (await operator.ask(ask.CREATE_PALLET, input={"name": "P"}))["createPallet"]
    load = {"palletId": pallet["id"], "batchIds": [batch["id"]]}
    loaded = (await operator.ask(ask.ADD_BATCHES, input=load))["addBatchesToPallet"]
    assert loaded == {"added": 1, "pallet": {"id": pallet["id"], "batchCount": 1}}


async def test_status_edges(edge: Edge, operator: Client) -> None:
    (bottle,) = await created(operator, milk_codes(1))
    sent = await operator.ask(ask.SET_STATUS, input={"id": bottle, "status": "SENT"})
    assert sent["setBottleStatus"]["status"] == "SENT"
    before = await edge.contents()
    back = {"id": bottle, "status": "CREATED"}
    refused = await operator.refusal(ask.SET_STATUS, input=back)
    assert refused["extensions"]["details"] == {"current": "SENT", "wanted": "CREATED"}
    unknown = {"id": "0" * 32, "status": "SENT"}
    assert await operator.code(ask.SET_STATUS, input=unknown) == "NOT_FOUND"
    wrong = {"id": bottle, "status": "NONSENSE"}
    assert await operator.code(ask.SET_STATUS, input=wrong) == "VALIDATION_ERROR"
    assert await edge.contents() == before


async def test_counts_by_status(operator: Client) -> None:
    bottles = await created(operator, milk_codes(3))
    await operator.ask(ask.SET_STATUS, input={"id": bottles[0], "status": "REJECTED"})
    found = await operator.ask("{ bottleCounts { status count } }")
    assert found["bottleCounts"] == [
        {"status": "CREATED", "count": 2},
        {"status": "REJECTED", "count": 1},
    ]


async def test_mock_mode(operator: Client) -> None:
    code = (await operator.ask(ask.GENERATE, industry="milk"))["generateCode"]
    scanned = (await operator.ask(ask.MOCK_SCAN, code=code))["mockScan"]
    assert (scanned["valid"], scanned["scan"]["source"]) == (True, "MOCK")
    assert await operator.code(ask.GENERATE, industry="nonsense") == "VALIDATION_ERROR"


@pytest.mark.parametrize("edge_settings", [{"mock": False}], ids=["no mock"])
async def test_without_mock_mode_it_does_not_exist(edge: Edge, operator: Client) -> None:
    before = await edge.contents()
    assert await operator.code(ask.MOCK_SCAN, code=DOCUMENTED) == "NOT_FOUND"
    assert await operator.code(ask.GENERATE, industry="milk") == "NOT_FOUND"
    assert await edge.contents() == before


@pytest.mark.parametrize(
    ("document", "given"),
    [
        (ask.SCAN, {"input": {"code": DOCUMENTED, "lineId": ""}}),
        (ask.SCAN, {"input": {"code": DOCUMENTED, "lineId": "a\0b"}}),
        (ask.SCAN, {"input": {"code": DOCUMENTED, "scannerIndex": -1}}),
        (ask.SCAN, {"input": {"code": DOCUMENTED, "timestamp": "yesterday"}}),
        (ask.SCAN, {"input": {"code": DOCUMENTED, "timestamp": "2026-01-01T10:00:00"}}),
        (ask.SCAN, {"input": {"code": DOCUMENTED, "timestamp": "9999-12-31T23:59:59-12:00"}}),
        (ask.SCAN, {"input": {"code": DOCUMENTED, "timestamp": "0001-01-01T00:00:00+12:00"}}),
        (ask.CREATE_BOTTLES, {"input": {"bottles": [{"identifier": "a\0b"}]}}),
        (ask.CREATE_BOTTLES, {"input": {"bottles": [{"identifier": DOCUMENTED, "party": "\0"}]}}),
        (ask.CREATE_BATCH, {"input": {"name": "a\0b"}}),
        (ask.CREATE_BATCH, {"input": {"batchSize": 0}}),
        (ask.CREATE_PALLET, {"input": {"name": ""}}),
    ],
    ids=str,
)
async def test_what_cannot_be_is_refused_and_nothing_stored(
    each_edge: Edge, document: str, given: Json
) -> None:
    operator = await each_edge.logged_in("operator")
    before = await each_edge.contents()
    assert await operator.code(document, **given) == "VALIDATION_ERROR"
    assert await each_edge.contents() == before


async def test_names_that_no_database_holds_are_nobodys(postgres_edge: Edge) -> None:
    operator = await postgres_edge.logged_in("operator")
    for field in ("bottle", "batch", "pallet", "trace"):
        shown = "tree { identifier }" if field == "trace" else "id"
        for name in ("a\0b", "\0", "x" * 5_000, "' OR 1=1 --", ""):
            found = await operator.ask(
                f"query ($n: String!) {{ {field}(identifier: $n) {{ {shown} }} }}", n=name
            )
            assert found[field] is None, (field, name)

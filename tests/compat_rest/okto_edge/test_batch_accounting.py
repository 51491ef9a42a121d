"""Batch accounting on the old routes, body for body."""

from pathlib import Path
from typing import Any

from tests.compat_rest.okto_edge.test_documented import bottle, data, is_recent
from tests.support.codes import TOO_SHORT, milk_codes
from tests.support.edge import Client, Edge, EdgeFolders, running_edge

Json = dict[str, Any]
ROOT = "/api/v1/batch-accounting"
BUFFER = f"{ROOT}/buffer"


async def batch_of(client: Client, codes: list[str]) -> Json:
    given = {
        "batch": {"name": "Milk"},
        "bottles": [await bottle(client, code) for code in codes],
    }
    made: Json = data(await client.http.post("/api/v1/batches", json=given))["batch"]
    return made


async def load(client: Client, key: str) -> Json:
    found: Json = data(await client.http.post(f"{BUFFER}/load", json={"batchIdentifier": key}))
    return found


async def check(client: Client, code: str, **more: Any) -> Json:
    found: Json = data(await client.http.post(f"{ROOT}/verify", json={"code": code, **more}))
    return found


async def test_an_empty_buffer(operator: Client) -> None:
    shown = data(await operator.http.get(BUFFER))
    assert shown == {"loaded": 0, "consumed": 0, "remaining": 0, "batches": []}
    assert data(await operator.http.delete(BUFFER)) == {"cleared": 0, "batches": []}


async def test_loaded_verified_shown_and_cleared(each_edge: Edge) -> None:
    operator = await each_edge.logged_in("operator")
    codes = milk_codes(3)
    batch = await batch_of(operator, codes)
    loaded = await load(operator, batch["identifier"])
    assert is_recent(loaded["loadedAt"])
    one = {
        "id": batch["id"],
        "batchIdentifier": batch["identifier"],
        "name": "Milk",
        "loaded": 3,
        "consumed": 0,
        "remaining": 3,
        "loadedAt": loaded["loadedAt"],
    }
    assert loaded == one | {"added": 3}
    found = await check(operator, f"]d2{codes[0]}\r\n", consumedBy="packer-1")
    assert is_recent(found["consumedAt"])
    told = {
        "verified": True,
        "result": "VERIFIED",
        "gtin": "04600605032541",
        "serial": found["serial"],
        "bottleId": found["bottleId"],
        "batchIdentifier": batch["identifier"],
        "consumedAt": found["consumedAt"],
        "consumedBy": "packer-1",
        "reason": None,
        "message": None,
    }
    assert found == told
    assert data(await operator.http.get(f"/api/v1/bottles/{found['bottleId']}"))["id"]
    assert await check(operator, codes[0]) == told | {
        "verified": False,
        "result": "ALREADY_CONSUMED",
        "reason": "ALREADY_CONSUMED",
        "message": "The code was consumed before",
    }
    assert await load(operator, batch["id"]) == one | {"consumed": 1, "remaining": 2, "added": 0}
    shown = data(await operator.http.get(BUFFER))
    figures = {"loaded": 3, "consumed": 1, "remaining": 2}
    assert shown == figures | {"batches": [one | figures]}
    gone = data(await operator.http.delete(f"{BUFFER}?batch={batch['identifier']}"))
    assert gone == {"cleared": 3, "batches": [batch["identifier"]]}
    assert data(await operator.http.get(BUFFER))["batches"] == []


async def test_what_is_not_there_and_what_is_no_code(operator: Client) -> None:
    (stranger,) = milk_codes(1)
    nothing: Json = dict.fromkeys(("bottleId", "batchIdentifier", "consumedAt", "consumedBy"))
    absent = await check(operator, stranger)
    assert absent == nothing | {
        "verified": False,
        "result": "NOT_IN_BUFFER",
        "gtin": "04600605032541",
        "serial": absent["serial"],
        "reason": "NOT_IN_BUFFER",
        "message": "The code is not among those ordered",
    }
    assert await check(operator, TOO_SHORT) == nothing | {
        "verified": False,
        "result": "INVALID",
        "gtin": None,
        "serial": None,
        "reason": "BAD_LENGTH",
        "message": "Invalid code length for industry",
    }


async def test_without_a_batch_all_are_cleared(operator: Client) -> None:
    one, two, three = milk_codes(3)
    made = [await batch_of(operator, codes) for codes in ([one, two], [three])]
    for batch in made:
        await load(operator, batch["identifier"])
    gone = data(await operator.http.delete(BUFFER))
    assert gone == {"cleared": 3, "batches": [one["identifier"] for one in made[::-1]]}
    assert (await check(operator, one))["result"] == "NOT_IN_BUFFER"


async def test_who_only_reads_sees_it_and_changes_nothing(edge: Edge, operator: Client) -> None:
    auditor = await edge.logged_in("auditor")
    codes = milk_codes(2)
    batch = await batch_of(operator, codes)
    await load(operator, batch["identifier"])
    before = await edge.contents()
    http = auditor.http
    for answer in (
        await http.post(f"{BUFFER}/load", json={"batchIdentifier": batch["identifier"]}),
        await http.delete(BUFFER),
        await http.post(f"{ROOT}/verify", json={"code": codes[0]}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert await edge.contents() == before
    assert data(await http.get(BUFFER))["loaded"] == 2


async def test_it_outlives_a_restart(edge_folders: EdgeFolders, tmp_path: Path) -> None:
    folder = await edge_folders.fresh(tmp_path / "edge")
    first, second = milk_codes(2)
    async with running_edge(folder) as edge:
        operator = await edge.logged_in("operator")
        batch = await batch_of(operator, [first, second])
        await load(operator, batch["identifier"])
        await check(operator, first, consumedBy="before")
    async with running_edge(folder) as edge:
        operator = await edge.logged_in("operator")
        assert (await check(operator, first))["consumedBy"] == "before"
        assert (await check(operator, second))["verified"]
        assert data(await operator.http.get(BUFFER))["remaining"] == 0

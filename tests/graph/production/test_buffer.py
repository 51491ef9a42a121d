"""The buffer in the graph: live, audited, a customer's own, and the factory's answer."""

import asyncio
from base64 import b64encode
from collections import Counter
from typing import Any

from tests.graph.production.test_fields import batch_of
from tests.graph.production.test_node import plain
from tests.support import documents as ask
from tests.support.codes import milk_codes
from tests.support.edge import Client, Edge
from tests.support.factory import FactoryServer

Json = dict[str, Any]
STREAM = f"""subscription ($after: String, $batch: String) {{
  buffer(after: $after, batchIdentifier: $batch) {{
    cursor action at added batch {{ {ask.BUFFER_BATCH} }}
    item {{ bottleId gtin serial consumedAt consumedBy }} }} }}"""


async def load(client: Client, key: str) -> Json:
    found: Json = (await client.ask(ask.LOAD_BUFFER, batch=key))["loadBuffer"]
    return found


async def check(client: Client, code: str, by: str | None = None) -> Json:
    found: Json = (await client.ask(ask.VERIFY_CODE, code=code, by=by))["verifyCode"]
    return found


async def test_it_is_told_live_with_its_figures(each_edge: Edge) -> None:
    operator = await each_edge.logged_in("operator")
    codes = milk_codes(2)
    batch = await batch_of(operator, codes)
    async with operator.subscribe(STREAM) as stream:
        await each_edge.subscribers(1)
        loaded = await load(operator, batch["identifier"])
        done = await check(operator, codes[1], "packer-1")
        await check(operator, codes[1], "packer-2")
        await operator.ask(ask.CLEAR_BUFFER)
        told = [item["buffer"] for item in await stream.take(3)]
    assert [one["action"] for one in told] == ["LOADED", "CONSUMED", "CLEARED"]
    assert told[0]["batch"] == loaded["batch"]
    assert (told[0]["added"], told[0]["item"]) == (2, None)
    assert (told[1]["batch"], told[1]["item"]) == (done["batch"], done["item"])
    assert (told[1]["item"]["consumedBy"], told[1]["batch"]["remaining"]) == ("packer-1", 1)
    assert told[2]["batch"] == done["batch"]
    async with operator.subscribe(STREAM, after=told[0]["cursor"]) as stream:
        assert [item["buffer"] for item in await stream.take(2)] == told[1:]


async def test_the_stream_of_one_batch(edge: Edge, operator: Client) -> None:
    made = [await batch_of(operator, [code]) for code in milk_codes(2)]
    wanted = made[1]
    keys = (wanted["identifier"], wanted["id"], plain(wanted["id"]))
    for count, key in enumerate(keys, 1):
        async with operator.subscribe(STREAM, batch=key) as stream:
            await edge.subscribers(1)
            for batch in made:
                await load(operator, batch["id"])
            await operator.ask(ask.CLEAR_BUFFER)
            told = [item["buffer"] for item in await stream.take(2)]
        assert [one["action"] for one in told] == ["LOADED", "CLEARED"], count
        assert {one["batch"]["id"] for one in told} == {wanted["id"]}
        await edge.subscribers(0)


async def test_what_people_do_is_in_the_audit(edge: Edge, operator: Client) -> None:
    codes = milk_codes(1)
    batch = await batch_of(operator, codes)
    await load(operator, batch["identifier"])
    await load(operator, batch["identifier"])
    await check(operator, codes[0], "packer-1")
    await check(operator, codes[0], "packer-2")
    await operator.ask(ask.CLEAR_BUFFER)
    manager = await edge.logged_in("manager")
    query = """{ auditLog(filter: {entityType: "buffer"}) { edges { node {
      action entityId actor { username } after } } } }"""
    found = [one["node"] for one in (await manager.ask(query))["auditLog"]["edges"]][::-1]
    assert [one["action"] for one in found] == [
        "buffer.loaded",
        "buffer.consumed",
        "buffer.cleared",
    ]
    assert {one["entityId"] for one in found} == {plain(batch["id"])}
    assert {one["actor"]["username"] for one in found} == {"operator"}
    assert found[1]["after"]["item"]["consumed_by"] == "packer-1"


async def test_whoever_asks_at_once_one_consumes_it(each_edge: Edge) -> None:
    operator = await each_edge.logged_in("operator")
    codes = milk_codes(1)
    await load(operator, (await batch_of(operator, codes))["identifier"])
    done = await asyncio.gather(*[check(operator, codes[0], f"who-{n}") for n in range(30)])
    assert Counter(one["verdict"] for one in done) == {"VERIFIED": 1, "ALREADY_CONSUMED": 29}
    assert len({one["item"]["consumedBy"] for one in done}) == 1


async def test_one_document_may_check_several(operator: Client) -> None:
    codes = milk_codes(3)
    await load(operator, (await batch_of(operator, codes[:2]))["identifier"])
    document = """mutation ($a: String!, $b: String!, $c: String!) {
      a: verifyCode(code: $a) { verdict } b: verifyCode(code: $b) { verdict }
      c: verifyCode(code: $c) { verdict } d: verifyCode(code: $a) { verdict } }"""
    found = await operator.ask(document, a=codes[0], b=codes[1], c=codes[2])
    assert {name: one["verdict"] for name, one in found.items()} == {
        "a": "VERIFIED",
        "b": "VERIFIED",
        "c": "NOT_IN_BUFFER",
        "d": "ALREADY_CONSUMED",
    }


async def test_what_is_not_there_is_not_found(edge: Edge, operator: Client) -> None:
    before = await edge.contents()
    nobody = b64encode(b"Batch:" + b"0" * 32).decode()
    for key in ("B-1999-000001", "0" * 32, nobody):
        assert await operator.code(ask.LOAD_BUFFER, batch=key) == "NOT_FOUND"
        assert await operator.code(ask.CLEAR_BUFFER, batch=key) == "NOT_FOUND"
        found = await operator.ask(ask.BATCH_CONTENT, identifier=key)
        assert found["batchContent"] is None
    assert await operator.code(ask.LOAD_BUFFER, batch="") == "VALIDATION_ERROR"
    assert await operator.code(ask.CLEAR_BUFFER, batch="") == "VALIDATION_ERROR"
    assert await operator.code(ask.VERIFY_CODE, code="x" * 5_000) == "VALIDATION_ERROR"
    assert await edge.contents() == before


async def test_a_factory_is_no_edge(sqlite_factory: FactoryServer) -> None:
    manager = await sqlite_factory.logged_in("manager")
    before = await sqlite_factory.contents()
    for document, given in (
        (ask.BUFFER, {}),
        (ask.LOAD_BUFFER, {"batch": "B-1999-000001"}),
        (ask.CLEAR_BUFFER, {}),
        (ask.VERIFY_CODE, {"code": "x"}),
    ):
        refused = await manager.refusal(document, **given)
        assert refused["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        assert refused["message"] == "This is no edge"
    assert await sqlite_factory.contents() == before


async def test_a_batch_is_told_with_its_content_page_by_page(each_edge: Edge) -> None:
    operator = await each_edge.logged_in("operator")
    batch = await batch_of(operator, milk_codes(5))
    given = {"identifier": batch["identifier"], "first": 2}
    found = (await operator.ask(ask.BATCH_CONTENT, **given))["batchContent"]
    assert found["batch"]["id"] == batch["id"]
    assert found["bottles"]["totalCount"] == 5
    seen = found["bottles"]["edges"]
    while found["bottles"]["pageInfo"]["hasNextPage"]:
        after = found["bottles"]["pageInfo"]["endCursor"]
        more = await operator.ask(ask.BATCH_CONTENT, **given, after=after)
        found = more["batchContent"]
        seen += found["bottles"]["edges"]
    assert [edge["node"]["id"] for edge in seen] == [one["id"] for one in batch["bottles"]][::-1]

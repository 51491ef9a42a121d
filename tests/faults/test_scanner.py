"""A line whose scanner is cut, floods, stalls and babbles while clients go on scanning."""

import asyncio
import os
from pathlib import Path
from typing import Any

import httpx2

from tests.support.callers import Line, Load, milk_codes, token_of
from tests.support.processes import PATIENCE_S, EdgeProcess, patiently
from tests.support.stored import stored

SCANNERS = "{ scanners { index state connected lastError readCount } }"
JOURNAL = "{ events(first: 100) { edges { node { category source severity message } } } }"
SILENCE_S = 4.0
HEARTBEAT = {"header": "<HB>", "terminator": "\\n", "interval_s": 0.2, "silence_s": SILENCE_S}


async def test_a_scanner_in_trouble_is_told_of_and_loses_nothing(tmp_path: Path) -> None:
    async with (
        Line(milk_codes(2)) as line,
        EdgeProcess(tmp_path, scanners=line.settings(framing={"heartbeat": HEARTBEAT})) as edge,
        httpx2.AsyncClient(base_url=edge.url) as client,
    ):
        token = await token_of(edge)
        client.headers["Authorization"] = f"Bearer {token}"
        load = Load(edge.port, token, milk_codes(1), connections=4)
        async with load:
            await _in_state(client, "CONNECTED")
            for trouble in (_cut, _garbage, _stall, _flood):
                await _goes_on(line, load)
                await trouble(line, client)
                await _in_state(client, "CONNECTED")
            await _goes_on(line, load)
            # One line when it was lost and one when it was back, for the cut and for the silence;
            # the first connection is told of as well.
            assert await _told(client) == (2, 3)
            await asyncio.gather(load.stop(), line.stop())
        found = stored(edge.data_dir)
        found.holds_once([*load.acknowledged, *line.acknowledged])
        assert not load.refused
        assert not load.unanswered
        assert edge.faults() == []


async def _goes_on(line: Line, load: Load) -> None:
    wanted = len(line.acknowledged) + 20, len(load.acknowledged) + 20
    await patiently(
        lambda: len(line.acknowledged) >= wanted[0] and len(load.acknowledged) >= wanted[1]
    )


async def _cut(line: Line, client: httpx2.AsyncClient) -> None:
    connections = line.connections
    line.refusing = True
    line.cut()
    await _in_state(client, "LOST")
    line.refusing = False
    await patiently(lambda: line.connections > connections)


async def _garbage(line: Line, client: httpx2.AsyncClient) -> None:
    """Noise between codes makes reads that are no good; the connection stays."""
    readings = (await _scanner(client))["readCount"]
    await line.babble(os.urandom(64 * 1024).replace(b"<HB>", b"") + b"\r\n")
    await patiently(lambda: line.babbled)
    assert (await _scanner(client))["readCount"] >= readings


async def _stall(line: Line, client: httpx2.AsyncClient) -> None:
    """Silent, with the connection open: only the heartbeat tells."""
    connections = line.connections
    line.stalled.clear()
    await _in_state(client, "LOST")
    assert "no heartbeat" in (await _scanner(client))["lastError"]
    line.stalled.set()
    await patiently(lambda: line.connections > connections)


async def _flood(line: Line, client: httpx2.AsyncClient) -> None:
    """As fast as the socket takes them: the line waits, and clients are served meanwhile."""
    line.window = 2_000
    answer = await client.get("/api/v1/scanner/status", timeout=5)
    assert answer.status_code == 200
    await patiently(lambda: line.most_waiting >= 1_000)
    line.window = 8


async def _scanner(client: httpx2.AsyncClient) -> dict[str, Any]:
    answer = (await client.post("/graphql", json={"query": SCANNERS})).json()
    found: dict[str, Any] = answer["data"]["scanners"][0]
    return found


async def _in_state(client: httpx2.AsyncClient, state: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await _scanner(client))["state"] != state:  # noqa: ASYNC110 - asks another process
            await asyncio.sleep(0.02)


async def _told(client: httpx2.AsyncClient) -> tuple[int, int]:
    answer = (await client.post("/graphql", json={"query": JOURNAL})).json()
    nodes = [edge["node"] for edge in answer["data"]["events"]["edges"]]
    texts = [node["message"] for node in nodes if node["category"] == "SCANNER"]
    return sum(" lost" in text for text in texts), sum(" connected" in text for text in texts)

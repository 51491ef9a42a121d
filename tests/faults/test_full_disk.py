"""A full disk: writes are refused in each face's own words, reads go on, and so do writes again
once there is room."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2

from tests.support.callers import Line, Load, graphql_scan, milk_codes, recorded, token_of
from tests.support.disks import small_disk
from tests.support.followers import GraphQLFollower, first_cursor
from tests.support.processes import PASSWORD, EdgeProcess, patiently
from tests.support.stored import stored

REFUSED = {"success": False, "error": {"code": "SERVICE_UNAVAILABLE"}}
MOST_LOG_BYTES = 64 * 1024


async def test_a_full_disk_refuses_and_recovers_without_a_restart(tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk:
        async with (
            Line(milk_codes(3), window=4) as line,
            EdgeProcess(tmp_path, data_dir=disk.data_dir, scanners=line.settings()) as edge,
        ):
            token = await token_of(edge)
            record = recorded(edge.port, token, milk_codes(4))
            cursor = await first_cursor(edge.port, token, record)
            rest = Load(edge.port, token, milk_codes(1))
            graph = Load(edge.port, token, milk_codes(2), graphql_scan)
            follower = GraphQLFollower(edge.port, token, cursor)
            async with follower, rest, graph:
                await patiently(lambda: len(rest.acknowledged) > 50)
                disk.fill(edge)
                await patiently(lambda: len(rest.refused) > 200 and len(graph.refused) > 200)
                await patiently(lambda: len(line.refused) > 20)
                await _reads_and_refuses(edge, token)
                assert edge.log.stat().st_size < MOST_LOG_BYTES, edge.tail()
                disk.make_room(edge)
                counts = [len(door.acknowledged) for door in (rest, graph, line)]
                doors = (rest.acknowledged, graph.acknowledged, line.acknowledged)
                await patiently(
                    lambda: all(len(d) > n + 20 for d, n in zip(doors, counts, strict=True))
                )
                await asyncio.gather(rest.stop(), graph.stop(), line.stop())
                found = stored(edge.data_dir)
                expected = found.after(cursor)
                await patiently(lambda: len(follower.codes) >= len(expected))
            assert follower.codes == expected
            assert follower.connections == 1
            found.holds_once([*rest.acknowledged, *graph.acknowledged, *line.acknowledged])
            found.consistent()
            _refusals_have_their_shape(rest, graph)
            assert edge.alive
            assert edge.faults() == []


async def _reads_and_refuses(edge: EdgeProcess, token: str) -> None:
    """Each kind of write is refused in its face's shape; nothing else is."""
    head = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=edge.url, headers=head) as client:
        for path in ("/api/v1/bottles?limit=5", "/api/v1/scanner/recent", "/health", "/metrics"):
            assert (await client.get(path)).status_code == 200
        asked = {"query": "{ bottles(first: 5) { edges { node { identifier } } totalCount } }"}
        assert "errors" not in (await client.post("/graphql", json=asked)).json()
        event = {"message": "is it full", "severity": "INFO"}
        login = {"username": "admin", "password": PASSWORD}
        for path, body in (("/api/v1/events", event), ("/api/v1/auth/login", login)):
            answer = await client.post(path, json=body)
            # What is small may find room in a page that a refused batch had already got.
            if answer.status_code != 200:
                assert (answer.status_code, _known(answer.json())) == (503, REFUSED), answer.text


def _known(body: dict[str, Any]) -> dict[str, Any]:
    return {"success": body["success"], "error": {"code": body["error"]["code"]}}


def _refusals_have_their_shape(rest: Load, graph: Load) -> None:
    statuses = {answer.status for _, answer in rest.refused}
    assert statuses == {503}
    for _, answer in rest.refused:
        assert _known(answer.body) == REFUSED
    assert {answer.body for _, answer in graph.refused} == {"SERVICE_UNAVAILABLE"}

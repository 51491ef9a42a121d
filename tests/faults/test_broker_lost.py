"""Redis restarted, killed and frozen between two busy processes of a factory: the log's own timer
carries on, nobody is cut off, nothing is lost or told twice."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import pytest

from tests.support.callers import Load, graphql_scan, milk_codes, recorded, token_of
from tests.support.databases import SqliteFiles
from tests.support.factory_pair import FactoryPair, client_of, dialling, dispatched, enrolled
from tests.support.followers import (
    CommandFollower,
    EventFollower,
    Follower,
    GraphQLFollower,
    first_cursor,
)
from tests.support.processes import FactoryProcess, patiently
from tests.support.redis import RedisServer
from tests.support.stored import stored_on_postgres

pytestmark = pytest.mark.xdist_group("factory-pair")
SEEDS = count(100)
MORE = 60
Act = Callable[[RedisServer], None]

TROUBLES: dict[str, tuple[Act, Act]] = {
    "restarted": (RedisServer.stop, RedisServer.start),
    "killed": (RedisServer.kill, RedisServer.start),
    "frozen": (RedisServer.freeze, RedisServer.thaw),
}


def bus_lines(process: FactoryProcess, word: str) -> int:
    lines = process.log.read_text().splitlines()
    return sum("wake-up bus redis" in line and word in line for line in lines)


async def more(loads: list[Load], followers: list[Follower]) -> None:
    """Written at both, and heard of it at both."""
    wanted = [len(load.acknowledged) + MORE for load in loads]
    heard = [len(follower.codes) + 2 * MORE for follower in followers]
    await patiently(
        lambda: all(len(load.acknowledged) >= n for load, n in zip(loads, wanted, strict=True))
    )
    await patiently(lambda: all(len(f.codes) >= n for f, n in zip(followers, heard, strict=True)))


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_factory_outlives_its_broker(
    redis_pair: FactoryPair, sqlite_files: SqliteFiles, tmp_path: Path, trouble: str
) -> None:
    pair, (begin, end) = redis_pair, TROUBLES[trouble]
    assert pair.redis is not None
    both = (pair.one, pair.two)
    told = [(bus_lines(one, "is lost"), bus_lines(one, "is back")) for one in both]
    record = recorded(pair.one.port, pair.token, milk_codes(next(SEEDS)), graphql_scan)
    cursor = await first_cursor(pair.one.port, pair.token, record)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        client = await enter(client_of(pair.one, pair.token))
        name = f"broker-{trouble}"
        edge = await enter(dialling(sqlite_files, tmp_path, pair.two, await enrolled(client, name)))
        await edge.connected()
        followers: list[Follower] = [
            await enter(kind(process.port, pair.token, cursor))
            for kind in (GraphQLFollower, EventFollower)
            for process in both
        ]
        commands = await enter(CommandFollower(pair.one.port, pair.token, cursor))
        loads = [
            await enter(
                Load(one.port, pair.token, milk_codes(next(SEEDS)), graphql_scan, connections=3)
            )
            for one in both
        ]
        await more(loads, followers)
        await asyncio.to_thread(begin, pair.redis)
        await more(loads, followers)
        during = await dispatched(client, name, f"{trouble}-during")
        await token_of(pair.two)  # the counters of logins are there, too
        await asyncio.to_thread(end, pair.redis)
        await more(loads, followers)
        after = await dispatched(client, name, f"{trouble}-after")
        assert during["status"] == after["status"] == "SUCCEEDED"
        await asyncio.gather(*(load.stop() for load in loads))
        found = await stored_on_postgres(pair.database_url)
        expected = found.after(cursor)
        for follower in followers:
            heard = follower.codes
            await patiently(lambda: len(heard) >= len(expected))  # noqa: B023 - awaited at once
            assert heard == expected
            assert follower.connections == 1
        await patiently(lambda: len(commands.codes) >= 6)
        assert commands.codes == [
            f"{trouble}-{when} {state}"
            for when in ("during", "after")
            for state in ("QUEUED", "SENT", "SUCCEEDED")
        ]
        found.holds_once([code for load in loads for code in load.acknowledged])
        found.consistent()
        assert not [one for load in loads for one in (*load.refused, *load.unanswered)]
    if trouble != "frozen":  # that is over before anybody can tell it from a slow network
        for process, (lost, back) in zip(both, told, strict=True):
            await patiently(lambda: bus_lines(process, "is back") == back + 1)  # noqa: B023
            assert bus_lines(process, "is lost") == lost + 1
    assert pair.faults() == []

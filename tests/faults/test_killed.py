"""kill -9 at random moments under load: what was acknowledged is there, once, and told in order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random

from tests.support.callers import Line, Load, graphql_scan, milk_codes, recorded, token_of
from tests.support.followers import FOLLOWERS, Follower, first_cursor
from tests.support.processes import EdgeProcess, patiently
from tests.support.stored import Stored, stored

ROUNDS = 3


@asynccontextmanager
async def following(edge: EdgeProcess, token: str, cursor: str) -> AsyncIterator[list[Follower]]:
    """One of each face."""
    async with AsyncExitStack() as stack:
        followers = [kind(edge.port, token, cursor) for kind in FOLLOWERS]
        for follower in followers:
            await stack.enter_async_context(follower)
        yield followers


async def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    random = Random(20261120)
    async with (
        Line(milk_codes(3)) as line,
        EdgeProcess(tmp_path, scanners=line.settings()) as edge,
    ):
        token = await token_of(edge)
        cursor = await first_cursor(edge.port, token, recorded(edge.port, token, milk_codes(4)))
        rest = Load(edge.port, token, milk_codes(1), connections=24)
        graph = Load(edge.port, token, milk_codes(2), graphql_scan, connections=8)
        async with following(edge, token, cursor) as followers, rest, graph:
            for _ in range(ROUNDS):
                await _some_more(rest, graph, line)
                # The moment of the kill is what this is about; nothing is waited for.
                await asyncio.sleep(random.random() * 0.3)
                connections = [one.connections for one in followers]
                edge.kill()
                await edge.start()
                await _back(followers, connections)
            await _some_more(rest, graph, line)
            await asyncio.gather(rest.stop(), graph.stop(), line.stop())
            found = stored(edge.data_dir)
            found.holds_once([*rest.acknowledged, *graph.acknowledged, *line.acknowledged])
            found.consistent()
            await _told_in_order(followers, found, cursor)
        assert not any((rest.refused, graph.refused, line.refused))
        assert edge.faults() == []


async def _some_more(rest: Load, graph: Load, line: Line) -> None:
    """Every door is open and in use."""
    doors = (rest.acknowledged, graph.acknowledged, line.acknowledged)
    wanted = [len(door) + 50 for door in doors]
    await patiently(lambda: all(len(d) >= n for d, n in zip(doors, wanted, strict=True)))


async def _back(followers: list[Follower], before: list[int]) -> None:
    await patiently(
        lambda: all(one.connections > n for one, n in zip(followers, before, strict=True))
    )


async def _told_in_order(followers: list[Follower], found: Stored, cursor: str) -> None:
    expected = found.after(cursor)
    for follower in followers:
        heard = follower.codes
        await patiently(lambda: len(heard) >= len(expected))  # noqa: B023 - awaited at once
        assert heard == expected, type(follower).__name__
        assert follower.connections > ROUNDS

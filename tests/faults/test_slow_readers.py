"""Subscribers that stop reading, and hundreds that vanish: nobody else notices."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import orjson

from tests.support.callers import Load, long_codes, milk_codes, recorded, token_of
from tests.support.followers import FOLLOWERS, Follower, GraphQLFollower, first_cursor
from tests.support.processes import EdgeProcess, live, live_until, patiently
from tests.support.stored import stored

# What is not read is given up for two reasons: the reader fell too far behind, which is told, or
# the connection took nothing for so long. Where it is about the first, the second never comes.
NEVER_S = 300.0
MORE_MEMORY_BYTES = 96 * 1024 * 1024
CROWD = 70


async def test_a_reader_that_stops_reading_is_told_and_resumes(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        edge = await stack.enter_async_context(EdgeProcess(tmp_path, drain_timeout_s=NEVER_S))
        token = await token_of(edge)
        record = recorded(edge.port, token, milk_codes(4))
        cursor = await first_cursor(edge.port, token, record)
        quick = await stack.enter_async_context(GraphQLFollower(edge.port, token, cursor))
        slow = [
            await stack.enter_async_context(kind(edge.port, token, cursor, narrow=True))
            for kind in FOLLOWERS
        ]
        for follower in slow:
            follower.gate.clear()
        # Who has heard an event follows what happens; who still reads the log cannot fall behind.
        await live_until(edge, lambda now: now["subscriptions"] == 1 + len(slow))
        await record()
        await patiently(lambda: all(len(follower.codes) == 1 for follower in slow))
        before = edge.resident_bytes()
        load = Load(edge.port, token, long_codes(1), connections=32)
        async with load:
            # Only the quick one still has a subscription: the others have been given up.
            await live_until(edge, lambda now: now["subscriptions"] == 1, 45)
            await load.stop()
        acknowledged = len(load.acknowledged)
        # Nothing waits for it any more, so it has all within the time of a few rounds.
        await patiently(lambda: len(quick.codes) >= acknowledged, 10)
        assert edge.resident_bytes() - before < MORE_MEMORY_BYTES
        for follower in slow:
            follower.gate.set()
        await record()
        expected = stored(edge.data_dir).after(cursor)
        for follower in (quick, *slow):
            heard = follower.codes
            await patiently(lambda: len(heard) >= len(expected))  # noqa: B023 - awaited at once
            assert heard == expected, type(follower).__name__
        assert quick.connections == 1
        _told(slow)
        assert edge.faults() == []


def _told(slow: list[Follower]) -> None:
    """Each in the words of its face, with the place to come back to."""
    graphql, legacy, events = slow
    message = orjson.loads(graphql.ends[0])
    assert message["type"] == "error"
    assert message["payload"][0]["extensions"]["code"] == "STREAM_GAP"
    assert "." in message["payload"][0]["extensions"]["details"]["lastCursor"]
    assert legacy.ends[0].startswith("1013 The reader was too slow; resume from lastCursor (resume")
    assert orjson.loads(events.ends[0])["errors"][0]["extensions"]["code"] == "STREAM_GAP"
    assert events.ends[1] == "complete"


async def test_readers_that_stall_for_good_or_vanish_leave_nothing_behind(tmp_path: Path) -> None:
    async with EdgeProcess(tmp_path, drain_timeout_s=2) as edge:
        token = await token_of(edge)
        record = recorded(edge.port, token, milk_codes(4))
        cursor = await first_cursor(edge.port, token, record)
        await live_until(edge, lambda now: now["subscriptions"] == 0)
        at_rest, sockets = await live(edge), edge.open_sockets()
        async with AsyncExitStack() as stack:
            stuck = await _stuck(stack, edge, token, cursor)
            crowd = await _crowd(stack, edge, token, cursor)
            await live_until(edge, lambda now: now["subscriptions"] >= len(crowd))
            load = Load(edge.port, token, long_codes(1), connections=32)
            async with load:
                await patiently(lambda: all(len(one.codes) > 2 for one in crowd))
                for one in crowd:
                    one.vanish()
                await live_until(edge, lambda now: now["subscriptions"] == 0, 45)
                await load.stop()
            # The stuck ones still hold their ends open; the service has let go of its own.
            await patiently(lambda: edge.open_sockets() <= sockets + 1)
            now = await live_until(edge, lambda now: now["tasks"] <= at_rest["tasks"] + 1)
            assert now["groups"] == now["waiting_writes"] == 0
            assert len(stuck) == len(FOLLOWERS)
        assert edge.faults() == []


async def _stuck(
    stack: AsyncExitStack, edge: EdgeProcess, token: str, cursor: str
) -> list[Follower]:
    """Subscribed, with the first event taken and nothing after it."""
    found = []
    for kind in FOLLOWERS:
        follower = kind(edge.port, token, cursor, narrow=True, once_only=True)
        await stack.enter_async_context(follower)
        follower.gate.clear()
        found.append(follower)
    await patiently(lambda: all(one.connections for one in found))
    return found


async def _crowd(
    stack: AsyncExitStack, edge: EdgeProcess, token: str, cursor: str
) -> list[Follower]:
    found: list[Follower] = []
    for kind in FOLLOWERS:
        some = [kind(edge.port, token, cursor, once_only=True) for _ in range(CROWD)]
        await asyncio.gather(*(stack.enter_async_context(one) for one in some))
        found += some
    await patiently(lambda: all(one.connections for one in found))
    return found

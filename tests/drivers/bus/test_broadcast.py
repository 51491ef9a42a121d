"""broadcaster's interface over our own links: the faults of the original stay away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from broadcaster._base import Subscriber, Unsubscribed

from drivers.bus.backend import BusBackend
from drivers.bus.broadcast import Gap, SupervisedBroadcast
from drivers.bus.link import Inbox, LinkState
from drivers.bus.postgres import PostgresBackend
from drivers.bus.redis import RedisBackend
from tests.support.bus import QUICK, Broker
from tests.support.waiting import eventually, unchanging


def backend_of(url: str, inbox: Inbox) -> BusBackend:
    kind = RedisBackend if url.startswith("redis") else PostgresBackend
    return kind(url, inbox, answer_s=QUICK.answer_s)


@asynccontextmanager
async def connected(url: str, inbox: Inbox) -> AsyncIterator[SupervisedBroadcast]:
    broadcast = SupervisedBroadcast(backend_of(url, inbox), "test", QUICK)
    await broadcast.connect()
    try:
        await broadcast.live.wait()
        yield broadcast
    finally:
        await broadcast.disconnect()


@asynccontextmanager
async def subscribed(broadcast: SupervisedBroadcast, channel: str) -> AsyncIterator[Subscriber]:
    """Past the gap that every subscription begins with."""
    async with broadcast.subscribe(channel) as subscriber:
        assert isinstance(await subscriber.get(), Gap)
        yield subscriber


async def test_five_subscribers_of_one_new_channel_at_once(broker: Broker) -> None:
    async with connected(broker.url, Inbox("me")) as broadcast:
        ready = asyncio.Barrier(6)

        async def hear() -> str:
            async with subscribed(broadcast, "news") as subscriber:
                await ready.wait()
                return (await subscriber.get()).message

        five = [asyncio.create_task(hear()) for _ in range(5)]
        await ready.wait()
        await broadcast.publish("news", "peer")
        assert await asyncio.gather(*five) == ["peer"] * 5
        assert await _again(broadcast) == "peer", "the channel is free for a next subscriber"


async def _again(broadcast: SupervisedBroadcast) -> str:
    async with subscribed(broadcast, "news") as subscriber:
        await broadcast.publish("news", "peer")
        return (await subscriber.get()).message


async def test_twenty_concurrent_publishes_all_succeed(broker: Broker) -> None:
    inbox = Inbox("me")
    async with connected(broker.url, inbox) as broadcast, subscribed(broadcast, "news"):
        await asyncio.gather(*(broadcast.publish("news", "peer") for _ in range(20)))
        await eventually(lambda: inbox.received == 20)


async def test_a_subscriber_that_does_not_read_keeps_one_event(broker: Broker) -> None:
    inbox = Inbox("me")
    async with (
        connected(broker.url, inbox) as broadcast,
        subscribed(broadcast, "news") as lazy,
    ):
        for _ in range(500):
            await broadcast.publish("news", "peer")
        await eventually(lambda: inbox.received == 500)
        await unchanging(lambda: inbox.merged + broadcast.merged, for_s=0.1)
        assert inbox.merged + broadcast.merged == 499
        assert len(inbox) == 0
        assert (await lazy.get()).message == "peer"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lazy.get(), 0.05)


async def test_an_own_message_does_not_take_the_place_of_a_peers(broker: Broker) -> None:
    inbox = Inbox("me")
    async with connected(broker.url, inbox) as broadcast, subscribed(broadcast, "news") as lazy:
        await broadcast.publish("news", "me")
        await broadcast.publish("news", "peer")
        assert (await lazy.get()).message == "peer"
        assert inbox.received == 1


async def test_who_reads_slowly_still_learns_of_a_gap(broker: Broker) -> None:
    async with connected(broker.url, Inbox("me")) as broadcast, subscribed(broadcast, "x") as lazy:
        await broadcast.publish("x", "peer")
        await eventually(lambda: broadcast._link.inbox.received == 1)
        await broker.cut()
        await eventually(lambda: broadcast.reconnects == 1)
        assert isinstance(await lazy.get(), Gap)


async def test_subscribers_end_with_the_broadcast(broker: Broker) -> None:
    async with connected(broker.url, Inbox("me")) as broadcast, subscribed(broadcast, "x") as lazy:
        await broadcast.disconnect()
        assert broadcast.state is LinkState.CLOSED
        with pytest.raises(Unsubscribed):
            await lazy.get()


async def test_a_cancelled_subscriber_leaves_nothing_behind(broker: Broker) -> None:
    async with connected(broker.url, Inbox("me")) as broadcast:

        async def hear() -> None:
            async with subscribed(broadcast, "news") as subscriber:
                await subscriber.get()

        tasks = [asyncio.create_task(hear()) for _ in range(20)]
        for turns, task in enumerate(tasks):
            for _ in range(turns % 4):
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait(tasks)
        assert broadcast._subscribers == {}
        assert await _again(broadcast) == "peer"

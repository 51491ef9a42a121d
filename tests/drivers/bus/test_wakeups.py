"""What the bus promises, asked of each broker."""

import asyncio
import logging
import time

import pytest

from domain.kernel.uow import WakeUps
from drivers.bus import BusSnapshot, LinkState, WakeUpBus
from tests.support.bus import Broker, Join, Process
from tests.support.redis import RedisServer
from tests.support.waiting import eventually, unchanging


async def settled(*processes: Process) -> None:
    """All are live, and have heard what each said when its link came up. How often that woke them
    is not known: what comes together wakes once."""
    for process in processes:
        await process.live()
        await eventually(process.has_greeted)
    await unchanging(lambda: [len(process.woken) for process in processes])


async def test_an_announcement_wakes_the_others_and_only_once_here(
    broker: Broker, join: Join
) -> None:
    one, other = await join(broker.url), await join(broker.url)
    await settled(one, other)
    here, there = len(one.woken), len(other.woken)
    one.bus.announce()
    assert len(one.woken) == here + 1, "the tail here is woken by the call itself"
    await eventually(lambda: len(other.woken) == there + 1)
    await unchanging(lambda: (len(one.woken), len(other.woken)))
    assert (len(one.woken), len(other.woken)) == (here + 1, there + 1)


async def test_another_installation_on_the_same_broker_hears_nothing(
    broker: Broker, join: Join
) -> None:
    one, other = await join(broker.url, namespace="one"), await join(broker.url, namespace="two")
    near = await join(broker.url, namespace="one")
    await settled(one, other, near)
    before, heard = len(other.woken), len(near.woken)
    one.bus.announce()
    await eventually(lambda: len(near.woken) > heard)
    assert len(other.woken) == before
    assert other.bus.snapshot().received == 0


async def test_five_that_join_at_once_all_hear(broker: Broker, join: Join) -> None:
    speaker = await join(broker.url)
    five = await asyncio.gather(*(join(broker.url) for _ in range(5)))
    await settled(speaker, *five)
    before = [len(process.woken) for process in five]
    speaker.bus.announce()
    await eventually(lambda: all(len(p.woken) > n for p, n in zip(five, before, strict=True)))


async def test_a_flood_of_announcements_costs_few_messages(broker: Broker, join: Join) -> None:
    one, other = await join(broker.url), await join(broker.url)
    await settled(one, other)
    before, heard = one.bus.snapshot().published, len(other.woken)
    started_s = time.monotonic()
    for _ in range(100):
        for _ in range(1_000):
            one.bus.announce()
        await asyncio.sleep(0)
    one.bus.announce()
    await eventually(lambda: len(other.woken) > heard)
    await unchanging(lambda: one.bus.snapshot().published)
    took_s = time.monotonic() - started_s
    sent = one.bus.snapshot().published - before
    assert 1 <= sent <= 2 + took_s / 0.005
    assert sent < 200


async def test_a_cut_listener_comes_back_and_wakes_for_the_gap(
    broker: Broker, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "drivers.bus")
    alone = await join(broker.url)
    await settled(alone)
    before = len(alone.woken)
    await broker.cut()
    await eventually(lambda: alone.bus.snapshot().reconnects == 1)
    await settled(alone)
    assert len(alone.woken) == before + 1
    assert [record.getMessage().split(": ")[0].split()[-1] for record in caplog.records] == [
        "lost",
        "back",
    ]
    other = await join(broker.url)
    await settled(alone, other)
    before = len(alone.woken)
    other.bus.announce()
    await eventually(lambda: len(alone.woken) == before + 1)


async def test_a_cut_publisher_is_replaced_without_a_loss(broker: Broker, join: Join) -> None:
    one, other = await join(broker.url), await join(broker.url)
    await settled(one, other)
    await broker.cut_publishers()
    before = len(other.woken)
    one.bus.announce()
    await eventually(lambda: len(other.woken) == before + 1)
    assert one.bus.snapshot().dropped == 0
    assert one.bus.snapshot().reconnects == 0


async def test_closing_twice_is_fine_and_the_tail_here_still_wakes(
    broker: Broker, join: Join
) -> None:
    one, other = await join(broker.url), await join(broker.url)
    await settled(one, other)
    await one.bus.close()
    await one.bus.close()
    assert one.state is LinkState.CLOSED
    here, there = len(one.woken), len(other.woken)
    one.bus.announce()
    assert len(one.woken) == here + 1
    await unchanging(lambda: len(other.woken))
    assert len(other.woken) == there


async def test_a_broker_that_died_comes_back(
    redis_server: RedisServer, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "drivers.bus")
    one, other = await join(redis_server.url), await join(redis_server.url)
    await settled(one, other)
    redis_server.kill()
    await eventually(lambda: one.state is other.state is LinkState.LOST)
    here, there = len(one.woken), len(other.woken)
    for _ in range(1_000):
        one.bus.announce()
    assert len(one.woken) == here + 1_000, "commits are not held up, readers here are woken"
    redis_server.start()
    await eventually(lambda: one.state is other.state is LinkState.LIVE)
    await settled(one, other)
    assert len(other.woken) > there, "woken for what may have been missed"
    assert one.bus.snapshot().reconnects == other.bus.snapshot().reconnects == 1
    there = len(other.woken)
    one.bus.announce()
    await eventually(lambda: len(other.woken) == there + 1)
    words = [record.getMessage() for record in caplog.records]
    assert sum("is lost" in line for line in words) == 2
    assert sum("is back" in line for line in words) == 2
    assert len(words) == 4


async def test_a_broker_that_answers_nothing_is_found_out(
    redis_server: RedisServer, join: Join
) -> None:
    one = await join(redis_server.url)
    await settled(one)
    redis_server.freeze()
    await eventually(lambda: one.state is LinkState.LOST)
    redis_server.thaw()
    await eventually(lambda: one.state is LinkState.LIVE)
    assert one.bus.snapshot().reconnects == 1


async def test_starting_without_a_broker_is_no_failure(
    redis_server: RedisServer, join: Join
) -> None:
    redis_server.stop()
    one = await join(redis_server.url)
    await eventually(lambda: one.state is LinkState.LOST)
    one.bus.announce()
    assert len(one.woken) == 1
    redis_server.start()
    await eventually(lambda: one.bus.snapshot().published >= 1)  # and once more for the gap
    assert one.state is LinkState.LIVE
    assert len(one.woken) == 2


async def test_a_refused_message_is_tried_again_then_counted(
    redis_server: RedisServer, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    assert redis_server.run("ACL SETUSER mute on >pw &* +@all -publish").startswith("+OK")
    one = await join(redis_server.url.replace("redis://", "redis://mute:pw@"))
    await settled(one)
    one.bus.announce()
    await eventually(lambda: one.bus.snapshot().dropped == 2)
    assert one.bus.snapshot().published == 0
    assert one.state is LinkState.LIVE
    refusals = [r.getMessage() for r in caplog.records if "cannot publish" in r.getMessage()]
    assert len(refusals) == 1
    assert "count\r\n:6\r\n" in redis_server.run("ACL LOG"), "two messages, three attempts each"


async def test_alone_in_memory_there_is_nobody_to_tell(join: Join) -> None:
    one = await join("memory://")
    one.bus.announce()
    assert len(one.woken) == 1
    assert one.bus.snapshot() == BusSnapshot(LinkState.LOCAL, 0, 0, 0, 0, 0)
    await one.bus.close()
    assert one.bus.snapshot() == BusSnapshot(LinkState.CLOSED, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("url", ["", "kafka://broker", "redis-stream://x", "localhost:6379"])
def test_an_unknown_bus_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="no bus"):
        WakeUpBus(url, lambda: None, namespace="one")


@pytest.mark.parametrize("namespace", ["", "two words", "x" * 41, "a:b"])
def test_a_namespace_that_a_broker_would_cut_is_refused(namespace: str) -> None:
    with pytest.raises(ValueError, match="namespace"):
        WakeUpBus("memory://", lambda: None, namespace=namespace)


def test_the_password_is_not_in_what_the_log_says(caplog: pytest.LogCaptureFixture) -> None:
    async def try_once() -> None:
        bus: WakeUps = WakeUpBus("redis://u:s3cret@127.0.0.1:1/0", lambda: None, namespace="one")
        assert isinstance(bus, WakeUpBus)
        await bus.start()
        await eventually(lambda: bus.snapshot().state is LinkState.LOST)
        await bus.close()

    asyncio.run(try_once())
    assert "redis://127.0.0.1:1/0" in caplog.text
    assert "s3cret" not in caplog.text

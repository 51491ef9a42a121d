"""The fan-out on a real log: nothing missed, nothing twice, in order, once for all."""

import asyncio
import random
from collections.abc import Callable

import pytest

from domain.kernel import eventlog
from domain.kernel.database import WRITE, WriteSession
from domain.kernel.errors import StreamGap, Unauthorized
from domain.kernel.eventlog import LogRow
from domain.kernel.fanout import Fanout, Subscription
from tests.support.toy_graph import Toy
from tests.support.waiting import eventually


async def code(row: LogRow) -> str | None:
    found: str = row.data["code"]
    return None if found.startswith("hidden") else found


def group_tasks() -> list[asyncio.Task[object]]:
    return [task for task in asyncio.all_tasks() if task.get_name() == "fanout-group"]


async def take(subscription: Subscription[str], until: str) -> list[str]:
    taken = []
    async with asyncio.timeout(20):
        async for delivery in subscription:
            taken.append(delivery.body)
            if delivery.body == until:
                return taken
    return taken


class Story:
    """Writers and readers whose steps interleave as a seed says."""

    def __init__(self, toy: Toy, seed: int) -> None:
        self.toy = toy
        self.chance = random.Random(seed)
        self.results: list[tuple[int, list[str]]] = []

    async def write(self, name: str) -> None:
        for number in range(25):
            codes = [f"{name}-{number}-{part}" for part in range(self.chance.randint(1, 4))]
            if self.chance.random() < 0.2:
                codes.append(f"hidden-{name}-{number}")
            await self.toy.write(*codes)
            await self.pause(3)

    async def render(self, row: LogRow) -> str | None:
        await self.pause(3)
        return await code(row)

    async def pause(self, most: int) -> None:
        for _ in range(self.chance.randint(0, most)):
            await asyncio.sleep(0)

    async def read(self) -> None:
        for _ in range(self.chance.randint(0, 60)):
            await asyncio.sleep(self.chance.choice((0, 0.001)))
        live = self.chance.random() < 0.3
        start = self.toy.tail.head if live else self.chance.randint(0, self.toy.tail.head)
        key = self.chance.choice(("one", "two"))
        subscription = self.toy.fanout.subscribe(key, self.render, None if live else start, 10_000)
        try:
            self.results.append((start, await take(subscription, "end")))
        finally:
            subscription.close()


@pytest.mark.parametrize("seed", range(12))
async def test_every_subscriber_gets_exactly_the_rows_after_its_cursor(toy: Toy, seed: int) -> None:
    story = Story(toy, seed)
    readers = [asyncio.create_task(story.read()) for _ in range(20)]
    await asyncio.gather(*(story.write(name) for name in "abc"))
    await eventually(lambda: toy.fanout.subscriptions == 20)
    await toy.write("end")
    await asyncio.gather(*readers)

    async with toy.database.read() as session:
        rows = await eventlog.read_after(session, 0, 10_000)
    written = [row.data["code"] for row in rows]
    assert len(story.results) == 20
    for start, taken in story.results:
        assert taken == [one for one in written[start:] if not one.startswith("hidden")]
    assert (toy.fanout.subscriptions, toy.fanout.groups) == (0, 0)


async def test_a_row_is_rendered_once_for_all_with_the_same_key(toy: Toy) -> None:
    rendered: list[int] = []

    async def render(row: LogRow) -> str:
        rendered.append(row.seq)
        return f"body {row.seq}"

    members = [toy.fanout.subscribe("same", render, None, 100) for _ in range(50)]
    assert (toy.fanout.subscriptions, toy.fanout.groups) == (50, 1)
    await toy.write("a", "b", "c")
    bodies = [[(await anext(member)).body for _ in range(3)] for member in members]
    assert rendered == [1, 2, 3]
    assert all(body is first for row in bodies for body, first in zip(row, bodies[0], strict=True))
    for member in members:
        member.close()
    assert (toy.fanout.subscriptions, toy.fanout.groups) == (0, 0)
    await eventually(lambda: not group_tasks())


async def test_a_slow_reader_gets_what_is_queued_then_is_told_where_to_resume(toy: Toy) -> None:
    slow = toy.fanout.subscribe("k", code, None, 5)
    quick = toy.fanout.subscribe("k", code, None, 5)
    reading = asyncio.create_task(take(quick, "29"))
    await toy.write(*(str(number) for number in range(30)))
    assert await reading == [str(number) for number in range(30)]

    assert [(await anext(slow)).body for _ in range(5)] == ["0", "1", "2", "3", "4"]
    with pytest.raises(StreamGap, match="too slow") as ended:
        await anext(slow)

    position = await toy.tail.position(ended.value.details["lastCursor"])
    resumed = toy.fanout.subscribe("k", code, position, 5)
    assert await take(resumed, "29") == [str(number) for number in range(5, 30)]
    quick.close()
    resumed.close()
    assert (toy.fanout.subscriptions, toy.fanout.groups) == (0, 0)


async def test_one_large_transaction_does_not_make_a_quick_reader_slow(toy: Toy) -> None:
    subscription = toy.fanout.subscribe("k", code, None, 8)
    reading = asyncio.create_task(take(subscription, "2999"))
    await toy.write(*(str(number) for number in range(3_000)))
    assert len(await reading) == 3_000
    subscription.close()


async def test_a_group_that_cannot_keep_up_tells_its_members(toy: Toy) -> None:
    fanout = Fanout(toy.tail, max_inbox=10)
    held = asyncio.Event()

    async def render(row: LogRow) -> str:
        await held.wait()
        return str(row.seq)

    members = [fanout.subscribe("k", render, None, 100) for _ in range(3)]
    await toy.write(*(str(number) for number in range(40)))
    for member in members:
        with pytest.raises(StreamGap) as ended:
            await anext(member)
        assert ended.value.details["lastCursor"] == toy.tail.cursor(0)
    assert (fanout.subscriptions, fanout.groups) == (0, 0)
    await eventually(lambda: not group_tasks())


async def test_a_cursor_that_was_trimmed_away_ends_with_a_gap(toy: Toy) -> None:
    await toy.write(*(str(number) for number in range(10)))
    await eventually(lambda: toy.tail.head == 10)
    subscription = toy.fanout.subscribe("k", code, 2, 100)
    async with toy.database.engine.connect() as connection:
        connection = await connection.execution_options(**{WRITE: True})
        async with connection.begin(), WriteSession(bind=connection) as session:
            assert await eventlog.trim(session, 2**62) == 10
    with pytest.raises(StreamGap):
        await anext(subscription)
    assert toy.fanout.subscriptions == 0


async def test_revoked_rights_end_the_subscriptions_of_that_owner_only(toy: Toy) -> None:
    ended = toy.fanout.subscribe("k", code, None, 10, owner="eve")
    stays = toy.fanout.subscribe("k", code, None, 10, owner="bob")
    await toy.write("1")
    await eventually(lambda: len(ended.queue) == 1)
    assert toy.fanout.end_where(lambda one: one.owner == "eve", Unauthorized("revoked")) == 1
    with pytest.raises(Unauthorized):
        await anext(ended)
    assert (await anext(stays)).body == "1"
    stays.close()
    assert (toy.fanout.subscriptions, toy.fanout.groups) == (0, 0)


async def test_a_row_that_cannot_be_rendered_ends_the_stream_loudly(
    toy: Toy, caplog: pytest.LogCaptureFixture
) -> None:
    async def render(row: LogRow) -> str:
        raise ZeroDivisionError

    subscription = toy.fanout.subscribe("k", render, None, 10)
    await toy.write("1")
    with pytest.raises(ZeroDivisionError):
        await anext(subscription)
    assert "cannot be rendered" in caplog.text
    assert (toy.fanout.subscriptions, toy.fanout.groups) == (0, 0)


async def test_close_wakes_the_reader_and_a_cancelled_one_leaves_nothing(toy: Toy) -> None:
    closed, cancelled = (toy.fanout.subscribe("k", code, None, 10) for _ in range(2))

    async def read(subscription: Subscription[str], finished: Callable[[], None]) -> None:
        try:
            async for _ in subscription:
                pass
        finally:
            subscription.close()
            finished()

    ends: list[int] = []
    one = asyncio.create_task(read(closed, lambda: ends.append(1)))
    two = asyncio.create_task(read(cancelled, lambda: ends.append(2)))
    await eventually(lambda: closed.waiter is not None and cancelled.waiter is not None)
    closed.close()
    await one
    two.cancel()
    await asyncio.gather(two, return_exceptions=True)
    assert ends == [1, 2]
    assert (toy.fanout.subscriptions, toy.fanout.groups) == (0, 0)
    await eventually(lambda: not group_tasks())

"""A figure that many follow is worked out once."""

import asyncio
from contextlib import aclosing

import pytest

from domain.kernel.errors import Stopping, Unavailable
from graph.periodic import Periodic
from tests.support.waiting import eventually


class Figure:
    """Counts how often it was worked out."""

    def __init__(self) -> None:
        self.asked = 0
        self.broken = False

    async def __call__(self) -> int:
        if self.broken:
            raise Unavailable("The storage does not answer")
        self.asked += 1
        return self.asked


async def first(periodic: Periodic, figure: Figure, count: int, key: str = "a") -> list[int]:
    found: list[int] = []
    async with aclosing(periodic.follow(key, 0.01, figure)) as values:
        async for value in values:
            found.append(value)
            if len(found) == count:
                break
    return found


async def test_all_with_one_key_share_each_value() -> None:
    periodic, figure = Periodic(), Figure()
    found = await asyncio.gather(*(first(periodic, figure, 5) for _ in range(20)))
    assert {tuple(values) for values in found} == {(1, 2, 3, 4, 5)}
    assert figure.asked == 5
    assert (periodic.followers, periodic.computations) == (0, 0)


async def test_others_have_their_own() -> None:
    periodic, mine, theirs = Periodic(), Figure(), Figure()
    await asyncio.gather(first(periodic, mine, 2, "a"), first(periodic, theirs, 3, "b"))
    assert (mine.asked, theirs.asked) == (2, 3)


async def test_who_is_slow_gets_the_newest() -> None:
    periodic, figure = Periodic(), Figure()
    async with aclosing(periodic.follow("a", 0.001, figure)) as values:
        assert await anext(values) == 1
        await eventually(lambda: figure.asked > 10)
        assert await anext(values) > 10


async def test_a_failure_ends_it_with_its_reason_and_it_begins_anew() -> None:
    periodic, figure = Periodic(), Figure()
    async with aclosing(periodic.follow("a", 0.01, figure)) as values:
        await anext(values)
        figure.broken = True
        with pytest.raises(Unavailable):
            await anext(values)
    figure.broken = False
    assert await first(periodic, figure, 1) == [2]


async def test_the_end_of_the_process_ends_all() -> None:
    periodic, figure = Periodic(), Figure()
    async with aclosing(periodic.follow("a", 60, figure)) as values:
        await anext(values)
        waiting = asyncio.ensure_future(anext(values))
        await periodic.close()
        with pytest.raises(Stopping):
            await waiting
    with pytest.raises(Stopping):
        await first(periodic, figure, 1)
    assert (periodic.followers, periodic.computations) == (0, 0)

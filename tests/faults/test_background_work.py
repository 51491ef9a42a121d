"""Background work that breaks begins again; it does not end for good in silence."""

import asyncio

from oktograph.background import background
from tests.support.waiting import eventually


async def test_work_that_broke_begins_again() -> None:
    turns: list[int] = []

    async def work() -> None:
        turns.append(len(turns))
        if len(turns) < 3:
            raise AttributeError("a library's own")
        await asyncio.Event().wait()

    stop = background(work, "some-work")
    await eventually(lambda: len(turns) == 3)
    await stop()
    assert turns == [0, 1, 2]


async def test_work_that_ended_stays_ended() -> None:
    turns: list[int] = []

    async def work() -> None:
        turns.append(len(turns))

    stop = background(work, "some-work")
    await eventually(lambda: len(turns) == 1)
    await stop()
    assert turns == [0]

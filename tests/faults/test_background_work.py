"""Background work that breaks begins again; it does not end for good in silence. Who stops it has
it stopped, also where it breaks at that moment."""

import asyncio
from functools import partial

import pytest

from domain.kernel.errors import Unavailable
from oktograph.background import background, every
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


class Breaking:
    """Breaks when it is cancelled, as what gives something back to a peer that is away. Once, so
    that a test whose stop was lost ends at its deadline."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.turns = 0

    async def __call__(self) -> None:
        self.turns += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if self.turns > 1:
                raise
            raise self._error from None


ERRORS = [OSError("no space"), Unavailable("away")]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("again_and_again", [False, True])
async def test_work_that_breaks_while_it_is_stopped_is_stopped(
    error: Exception, again_and_again: bool
) -> None:
    work = Breaking(error)
    watched = partial(every, 0.001, work, "some-work") if again_and_again else work
    stop = background(watched, "some-work")
    await eventually(lambda: work.turns == 1)
    async with asyncio.timeout(10):
        await stop()
    assert work.turns == 1

"""Whose request goes next."""

import asyncio

import pytest

from drivers.turns import MOST_IN_A_ROW, Turns
from tests.support.waiting import eventually


class Queue:
    """Takes turns in tasks and keeps the order in which they came."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.order: list[str] = []
        self.held: asyncio.Event = asyncio.Event()

    def ask(self, name: str, *, first: bool = False) -> asyncio.Task[None]:
        return asyncio.create_task(self._ask(name, first))

    async def _ask(self, name: str, first: bool) -> None:
        async with self.turns.first() if first else self.turns.taken():
            self.order.append(name)
            await self.held.wait()

    async def waiting(self, count: int) -> None:
        await eventually(lambda: self.turns.waiting == count)


async def test_writes_go_before_polls_that_came_earlier() -> None:
    queue = Queue()
    tasks = [queue.ask("under way")]
    tasks += [queue.ask(f"poll {n}") for n in range(3)]
    tasks += [queue.ask(f"write {n}", first=True) for n in range(2)]
    await queue.waiting(5)
    assert queue.order == ["under way"]
    queue.held.set()
    await asyncio.gather(*tasks)
    assert queue.order == ["under way", "write 0", "write 1", "poll 0", "poll 1", "poll 2"]


async def test_a_flood_of_writes_leaves_polls_a_turn() -> None:
    queue = Queue()
    tasks = [queue.ask("under way"), queue.ask("poll")]
    tasks += [queue.ask("write", first=True) for _ in range(2 * MOST_IN_A_ROW)]
    await queue.waiting(len(tasks) - 1)
    queue.held.set()
    await asyncio.gather(*tasks)
    assert queue.order.index("poll") == MOST_IN_A_ROW + 1


async def test_who_gives_up_waiting_is_passed_over() -> None:
    queue = Queue()
    under_way, given_up, last = queue.ask("under way"), queue.ask("given up"), queue.ask("last")
    await queue.waiting(2)
    given_up.cancel()
    await queue.waiting(1)
    queue.held.set()
    await asyncio.gather(under_way, last)
    assert queue.order == ["under way", "last"]


@pytest.mark.parametrize("first", [True, False])
async def test_who_gives_up_as_its_turn_comes_passes_it_on(first: bool) -> None:
    queue = Queue()
    under_way, given_up = queue.ask("under way"), queue.ask("given up", first=first)
    await queue.waiting(1)
    last = queue.ask("last")
    await queue.waiting(2)
    queue.held.set()
    # The turn is handed over when `under way` ends, and `given up` runs one step later.
    under_way.add_done_callback(lambda _: given_up.cancel())
    await asyncio.wait({under_way, given_up, last}, timeout=5)
    assert last.done()
    assert queue.turns.waiting == 0
    async with asyncio.timeout(5), queue.turns.taken():
        pass


async def test_an_error_within_a_turn_ends_it() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="wrong"):
        async with turns.first():
            raise ValueError("wrong")
    async with asyncio.timeout(5), turns.taken():
        pass

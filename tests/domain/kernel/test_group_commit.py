"""Group commit: who is answered was written, a failure is its own caller's only."""

import asyncio
from collections.abc import Sequence

import pytest

from domain.kernel.errors import Conflict, Unavailable
from domain.kernel.groupcommit import GroupCommit


class Disk:
    """Writes when it is let to, and refuses groups with an odd one out."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(0)
        self.groups: list[list[int]] = []
        self.stored: list[int] = []
        self.full = False

    async def write(self, group: Sequence[int]) -> Sequence[int]:
        await self.turns.acquire()
        self.groups.append(list(group))
        if self.full:
            raise Unavailable("The disk is full")
        if any(number < 0 for number in group):
            raise ValueError("a negative number")
        self.stored += group
        return [number * 10 for number in group]

    def turn(self, count: int = 1) -> None:
        for _ in range(count):
            self.turns.release()


async def begun(commits: GroupCommit[int, int], *numbers: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(commits.submit(number)) for number in numbers]
    await asyncio.sleep(0)
    return tasks


async def test_what_waits_while_one_is_written_goes_together() -> None:
    disk = Disk()
    commits = GroupCommit(disk.write)
    (first,) = await begun(commits, 1)
    await asyncio.sleep(0)
    rest = await begun(commits, 2, 3, 4)
    assert not first.done()
    disk.turn(2)
    assert await asyncio.gather(first, *rest) == [10, 20, 30, 40]
    assert disk.groups == [[1], [2, 3, 4]]


async def test_a_group_is_bounded() -> None:
    disk = Disk()
    disk.turn(10)
    commits = GroupCommit(disk.write, max_batch=4)
    assert await asyncio.gather(*await begun(commits, *range(10))) == [n * 10 for n in range(10)]
    assert [len(group) for group in disk.groups] == [4, 4, 2]


async def test_a_failing_one_fails_alone() -> None:
    disk = Disk()
    disk.turn(10)
    commits = GroupCommit(disk.write)
    done = await asyncio.gather(*await begun(commits, 1, -2, 3), return_exceptions=True)
    assert [done[0], done[2]] == [10, 30]
    assert isinstance(done[1], ValueError)
    assert disk.stored == [1, 3]


async def test_storage_that_refuses_fails_them_all_at_once() -> None:
    disk = Disk()
    disk.full = True
    disk.turn(10)
    commits = GroupCommit(disk.write)
    done = await asyncio.gather(*await begun(commits, 1, 2, 3), return_exceptions=True)
    assert [type(answer) for answer in done] == [Unavailable] * 3
    assert len(disk.groups) == 1
    disk.full = False
    assert await commits.submit(4) == 40


async def test_too_many_that_wait_are_refused_at_once() -> None:
    disk = Disk()
    commits = GroupCommit(disk.write, max_waiting=3, max_batch=1)
    tasks = await begun(commits, 1)
    await asyncio.sleep(0)
    tasks += await begun(commits, 2, 3, 4)
    with pytest.raises(Unavailable):
        await commits.submit(5)
    disk.turn(4)
    assert await asyncio.gather(*tasks) == [10, 20, 30, 40]
    disk.turn()
    assert await commits.submit(6) == 60
    assert 5 not in disk.stored


async def test_closing_drains_and_then_refuses() -> None:
    disk = Disk()
    commits = GroupCommit(disk.write)
    tasks = await begun(commits, 1, 2, 3)
    closing = asyncio.create_task(commits.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await commits.submit(4)
    disk.turn(5)
    await closing
    assert [task.result() for task in tasks] == [10, 20, 30]


async def test_a_caller_that_leaves_takes_nobody_with_it() -> None:
    disk = Disk()
    commits = GroupCommit(disk.write)
    leaving, staying = await begun(commits, 1, 2)
    leaving.cancel()
    await asyncio.sleep(0)
    disk.turn(3)
    assert await staying == 20
    assert disk.stored == [1, 2], "what was handed in is written, whoever still waits"


async def test_a_refusal_of_the_domain_is_everybodys() -> None:
    async def refuse(group: Sequence[int]) -> Sequence[int]:
        raise Conflict("no")

    commits: GroupCommit[int, int] = GroupCommit(refuse)
    done = await asyncio.gather(*await begun(commits, 1, 2), return_exceptions=True)
    assert [type(answer) for answer in done] == [Conflict, Conflict]

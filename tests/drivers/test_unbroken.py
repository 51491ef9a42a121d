"""Changes one after another, each to its end, whoever goes meanwhile."""

import asyncio

import pytest
from structlog.testing import capture_logs

from domain.kernel.errors import Conflict, Unavailable
from drivers.unbroken import Unbroken
from tests.support.waiting import eventually


class Steps:
    """Changes that a test lets go on."""

    def __init__(self) -> None:
        self.changes = Unbroken("thing")
        self.gate = asyncio.Event()
        self.begun: list[str] = []
        self.ended: list[str] = []

    def asked(self, name: str, error: Exception | None = None) -> "asyncio.Task[str]":
        async def work() -> str:
            self.begun.append(name)
            await self.gate.wait()
            if error is not None:
                raise error
            self.ended.append(name)
            return name

        return asyncio.create_task(self.changes.run(work))

    async def asked_and_begun(self, name: str, error: Exception | None = None) -> asyncio.Task[str]:
        task = self.asked(name, error)
        await eventually(lambda: name in self.begun)
        return task


async def gone(asker: "asyncio.Task[str]") -> None:
    asker.cancel()
    await asyncio.wait({asker})
    assert asker.cancelled()


async def test_one_after_another_and_each_hears_its_own() -> None:
    steps = Steps()
    first, second = await steps.asked_and_begun("first", Conflict("no")), steps.asked("second")
    steps.gate.set()
    with pytest.raises(Conflict):
        await first
    assert await second == "second"
    assert steps.begun == ["first", "second"]


async def test_what_has_begun_ends_before_the_next_though_its_asker_is_gone() -> None:
    steps = Steps()
    first, second = await steps.asked_and_begun("first"), steps.asked("second")
    await gone(first)
    assert (steps.begun, steps.ended) == (["first"], [])
    steps.gate.set()
    assert await second == "second"
    assert steps.ended == ["first", "second"]


async def test_what_waits_for_its_turn_never_begins_once_its_asker_is_gone() -> None:
    steps = Steps()
    first, second = await steps.asked_and_begun("first"), steps.asked("second")
    third = steps.asked("third")
    await asyncio.sleep(0)
    await gone(second)
    steps.gate.set()
    assert [await first, await third] == ["first", "third"]
    assert steps.begun == ["first", "third"]


async def test_a_failure_that_nobody_hears_is_logged() -> None:
    steps = Steps()
    first = await steps.asked_and_begun("first", OSError("disk full"))
    await gone(first)
    with capture_logs() as logs:
        steps.gate.set()
        await steps.changes.close()
    assert [(e["event"], e["change"], str(e["exc_info"])) for e in logs] == [
        ("change_failed_unheard", "thing", "disk full")
    ]


async def test_closing_waits_for_what_runs_and_refuses_the_rest() -> None:
    steps = Steps()
    first, second = await steps.asked_and_begun("first"), steps.asked("second")
    await gone(first)
    closing = asyncio.create_task(steps.changes.close())
    await asyncio.wait({closing}, timeout=0.01)
    assert not closing.done()
    steps.gate.set()
    await closing
    assert steps.ended == ["first"]
    for late in (second, steps.asked("third")):
        with pytest.raises(Unavailable, match="The thing is being stopped"):
            await late
    await steps.changes.close()
    assert steps.begun == ["first"]

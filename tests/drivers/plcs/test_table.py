"""Which changes of a tag are told, in which order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.kernel.clock import SystemClock
from drivers.plcs.table import TagTable
from drivers.plcs.tags import Quality, Scalar, TagAccess, TagBinding, TagType, TagValue

GOOD, BAD = Quality.GOOD, Quality.BAD
SPEED: dict[str, Any] = {"type": TagType.REAL, "deadband": 1.0}
RUN: dict[str, Any] = {"type": TagType.BOOL}


class Told:
    def __init__(self) -> None:
        self.values: list[TagValue] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, binding: TagBinding, value: TagValue) -> None:
        assert binding.name == value.name
        await self.gate.wait()
        self.values.append(value)

    @property
    def story(self) -> list[tuple[str, Scalar | None, Quality]]:
        return [(each.name, each.value, each.quality) for each in self.values]


def tag(name: str, **more: Any) -> TagBinding:
    return TagBinding(name=name, plc="p", address="a", **more)


@asynccontextmanager
async def tables(*bindings: TagBinding) -> AsyncIterator[tuple[TagTable, Told]]:
    told = Told()
    table = TagTable(bindings, told, SystemClock())
    table.found()
    yield table, told
    await table.aclose()


async def test_nothing_is_known_at_first() -> None:
    async with tables(tag("speed", **SPEED)) as (table, told):
        value = table.values()["speed"]
        assert (value.value, value.quality, told.story) == (None, BAD, [])


async def test_the_first_value_and_each_change_are_told() -> None:
    async with tables(tag("run", **RUN)) as (table, told):
        for value in (False, False, True, True, False):
            table.good("run", value)
        await table.settled()
        assert told.story == [("run", v, GOOD) for v in (False, True, False)]


async def test_within_the_deadband_of_what_was_told_is_no_change() -> None:
    async with tables(tag("speed", **SPEED)) as (table, told):
        for value in (10.0, 10.6, 11.0, 11.2, 10.5, 12.3, 5.0):
            table.good("speed", value)
        await table.settled()
        assert [value for _, value, _ in told.story] == [10.0, 11.2, 12.3, 5.0]
        assert table.values()["speed"].value == 5.0


async def test_quality_is_told_once_whatever_the_value() -> None:
    async with tables(tag("speed", **SPEED)) as (table, told):
        table.bad("speed")
        table.bad("speed")
        table.good("speed", 1.0)
        table.bad("speed")
        table.bad("speed")
        table.good("speed", 1.0)
        await table.settled()
        expected = [(None, BAD), (1.0, GOOD), (1.0, BAD), (1.0, GOOD)]
        assert [(value, quality) for _, value, quality in told.story] == expected


async def test_a_lost_controller_turns_every_tag_bad_once_in_order() -> None:
    async with tables(tag("a", **RUN), tag("b", **RUN), tag("c", **RUN)) as (table, told):
        table.good("b", True)
        table.bad("c")
        table.lost()
        table.lost()
        await table.settled()
        expected = [("b", True, GOOD), ("c", None, BAD), ("a", None, BAD), ("b", True, BAD)]
        assert told.story == expected


async def test_what_comes_after_the_loss_is_not_kept() -> None:
    async with tables(tag("run", **RUN)) as (table, told):
        table.good("run", True)
        table.lost()
        assert table.good("run", False).quality is GOOD
        assert table.values()["run"].quality is BAD
        await table.settled()
        assert told.story == [("run", True, GOOD), ("run", True, BAD)]


async def test_nobody_is_told_of_what_is_only_written() -> None:
    async with tables(tag("stop", access=TagAccess.WRITE)) as (table, told):
        assert table.good("stop", True).value is True
        table.lost()
        await table.settled()
        assert (told.story, table.values()) == ([], {})


async def test_noting_does_not_wait_for_a_slow_listener_and_keeps_the_order() -> None:
    async with tables(tag("run", **RUN)) as (table, told):
        told.gate.clear()
        for value in (True, False, True):
            table.good("run", value)
        table.lost()
        assert told.story == []
        told.gate.set()
        await table.settled()
        expected = [(True, GOOD), (False, GOOD), (True, GOOD), (True, BAD)]
        assert [(value, quality) for _, value, quality in told.story] == expected


async def test_a_listener_that_fails_is_told_of_the_next() -> None:
    heard: list[Scalar | None] = []

    async def fails_once(_: TagBinding, value: TagValue) -> None:
        heard.append(value.value)
        if len(heard) == 1:
            raise RuntimeError("no room")

    table = TagTable([tag("run", **RUN)], fails_once, SystemClock())
    table.found()
    with capture_logs() as logs:
        table.good("run", True)
        table.good("run", False)
        await table.settled()
    assert heard == [True, False]
    assert [entry["event"] for entry in logs] == ["tag_not_told"]


async def test_closing_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.plcs.table.DRAIN_DEADLINE_S", 0.01)
    async with tables(tag("run", **RUN)) as (table, told):
        told.gate.clear()
        table.good("run", True)
        async with asyncio.timeout(5):
            await table.aclose()
            await table.aclose()
        told.gate.set()
        table.good("run", False)
        await table.settled()
        assert told.story == [("run", False, GOOD)]

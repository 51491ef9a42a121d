"""Scans by when they were read, however much later some of them were recorded."""

from collections.abc import AsyncIterator
from dataclasses import replace
from random import Random

import pytest

from domain.kernel.clock import SECOND_US
from domain.kernel.paging import PageRequest
from domain.production.commands import RecordScan, ScanFilter
from domain.production.repository import scans
from domain.production.rows import ScanRow
from tests.support.fleet import Statements
from tests.support.floor import Floor
from tests.support.intake import Door, door

HOUR_S = 3_600
LATEST_S = 30 * HOUR_S
READS = 120


@pytest.fixture
async def line(floor: Floor) -> AsyncIterator[Door]:
    async with door(floor.database, floor.actor, floor.clock) as opened:
        yield opened


async def production(floor: Floor, line: Door, random: Random) -> list[ScanRow]:
    """Four days of three lines, a third of the reads told late; the newest first."""
    made: list[ScanRow] = []
    for number in range(READS):
        floor.clock.advance(random.uniform(0, 4 * HOUR_S * 24 / READS * 2))
        late_s = random.choice([0, 0, random.uniform(0, LATEST_S)])
        command = RecordScan(
            f"code {number}",
            line_id=random.choice([None, "line-001", "line-002"]),
            scanned_at_us=floor.clock.now_us() - int(late_s * SECOND_US),
        )
        made.append((await line.intake.submit(line.actor, command)).scan)
    return made[::-1]


async def listed(floor: Floor, wanted: ScanFilter) -> list[ScanRow]:
    """Page by page."""
    found: list[ScanRow] = []
    window = PageRequest(7)
    while True:
        async with floor.database.read() as session:
            page = await scans.page(session, floor.customer_id, wanted, window)
        found += page.rows
        if not page.has_next:
            return found
        window = replace(window, after=page.rows[-1].id)


async def test_a_window_has_what_was_read_in_it(floor: Floor, line: Door) -> None:
    random = Random(7)
    begin_us = floor.clock.now_us() - LATEST_S * SECOND_US
    made = await production(floor, line, random)
    for _ in range(40):
        ends = sorted(random.randint(begin_us, floor.clock.now_us()) for _ in range(2))
        wanted = ScanFilter(scanned_from_us=ends[0], scanned_to_us=ends[1])
        expected = [one for one in made if ends[0] <= one.scanned_at_us < ends[1]]
        assert await listed(floor, wanted) == expected
        async with floor.database.read() as session:
            assert await scans.count(session, floor.customer_id, wanted) == len(expected)
    assert await listed(floor, ScanFilter(scanned_to_us=floor.clock.now_us() + 1)) == made
    assert await listed(floor, ScanFilter(scanned_to_us=begin_us)) == []


async def test_a_window_that_closed_long_ago_passes_what_came_since(
    floor: Floor, line: Door
) -> None:
    made = await production(floor, line, Random(8))
    closed_us = min(one.scanned_at_us for one in made[: READS // 2])
    early = [one for one in made if one.scanned_at_us < closed_us]
    assert early
    with Statements(floor.database) as told:
        assert await listed(floor, ScanFilter(scanned_to_us=closed_us)) == early
    lists = [one for one in told.seen if "FROM scan \n" in one]
    assert lists
    assert all("scan.id <= " in one for one in lists)
    with Statements(floor.database) as told:
        await listed(floor, ScanFilter(scanned_to_us=floor.clock.now_us() + 1))
    assert not any("scan.id <= " in one for one in told.seen), "an open window ends at the end"

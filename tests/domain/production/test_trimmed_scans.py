"""Reads that were kept long enough go; what they made, and every figure, stays."""

from collections.abc import AsyncIterator
from typing import Final

import pytest

from domain.kernel.retention import Trimmed
from domain.production.commands import CreateBatch, CreatePallet, RecordScan
from domain.production.models import ItemKind
from domain.production.operations import packing, pallets
from domain.production.operations.genealogy import Genealogy, moment
from domain.production.operations.overview import overview
from domain.production.ports import FleetTotals
from domain.production.repository import scans
from domain.production.rows import BottleRow, PalletRow
from tests.support.floor import ORIGIN, PREFIX, Floor
from tests.support.intake import Door, door

FAR_US: Final = 2**52
"""Later than every id: they are made by the real clock."""


@pytest.fixture
async def line(floor: Floor) -> AsyncIterator[Door]:
    async with door(floor.database, floor.actor, floor.clock) as opened:
        yield opened


async def scanned(floor: Floor, line: Door, count: int) -> list[BottleRow]:
    made = []
    for code in floor.fresh_codes(count):
        done = await line.intake.submit(line.actor, RecordScan(code))
        assert done.bottle is not None
        made.append(done.bottle)
    return made


async def packed(floor: Floor, bottles: list[BottleRow]) -> PalletRow:
    ids = tuple(row.id for row in bottles)
    made = CreateBatch.of(bottle_ids=ids)
    batch = await floor.do(lambda work: packing.create_batch(work, made, ORIGIN))
    await floor.do(lambda work: packing.complete_batch(work, batch.id))
    command = CreatePallet.of(batch_ids=(batch.id,))
    return await floor.do(lambda work: pallets.create_pallet(work, command, PREFIX, ORIGIN))


async def trim(floor: Floor, limit: int = 1_000, before_us: int = FAR_US) -> Trimmed:
    return await floor.do(lambda work: scans.trim(work.session, before_us, limit))


async def figures(floor: Floor) -> list[object]:
    async with floor.database.read() as session:
        now_us, nothing = floor.clock.now_us(), FleetTotals(0, 0, 0)
        shown = await overview(session, floor.customer_id, now_us, "UTC", nothing)
        return [shown._replace(at_us=0), *await scans.total(session, floor.customer_id)]


def told(found: Genealogy | None) -> list[tuple[str, str, str | None, int]]:
    """Without what a read alone can tell: the door that it came in by, and its id."""
    assert found is not None
    return [(row.subject_id, row.kind, row.status, row.at_us) for row in found.events]


async def test_a_genealogy_stays_whole(floor: Floor, line: Door) -> None:
    bottles = await scanned(floor, line, 3)
    pallet = await packed(floor, bottles)
    before = await floor.trace(ItemKind.PALLET, pallet)
    assert before is not None
    assert len(before.scans) == 3
    assert await trim(floor) == Trimmed(3, more=False)
    after = await floor.trace(ItemKind.PALLET, pallet)
    assert after is not None
    assert after.scans == []
    assert told(after) == told(before)
    assert [row.kind for row in after.events].count("CREATED") == 5, "bottles, batch, pallet"
    assert after.path == before.path


async def test_a_birth_is_told_once_whatever_reads_are_left(floor: Floor, line: Door) -> None:
    [bottle] = await scanned(floor, line, 1)
    for _ in range(2):
        await line.intake.submit(line.actor, RecordScan(bottle.identifier))
    before = told(await floor.trace(ItemKind.BOTTLE, bottle))
    assert await trim(floor, limit=1) == Trimmed(1, more=True), "the oldest: the one that made it"
    found = await floor.trace(ItemKind.BOTTLE, bottle)
    assert found is not None
    assert [row.duplicate for row in found.scans] == [True, True]
    assert told(found) == before
    [birth] = found.events
    async with floor.database.read() as session:
        assert await moment(session, floor.customer_id, birth.id) == birth


async def test_a_birth_has_one_id(floor: Floor, line: Door) -> None:
    """While its read is there, the bottle's own id names no event; nor does that of a bottle
    whose history is written."""
    [scanned_one] = await scanned(floor, line, 1)
    [created] = await floor.bottles(1)
    async with floor.database.read() as session:
        for bottle in (scanned_one, created):
            assert await moment(session, floor.customer_id, bottle.id) is None
    await trim(floor)
    async with floor.database.read() as session:
        assert await moment(session, floor.customer_id, scanned_one.id) is not None
        assert await moment(session, floor.customer_id, created.id) is None
        assert await moment(session, floor.customer_id + 1, scanned_one.id) is None


async def test_no_figure_changes(floor: Floor, line: Door) -> None:
    await packed(floor, await scanned(floor, line, 4))
    await line.intake.submit(line.actor, RecordScan("NOREAD"))
    before = await figures(floor)
    await trim(floor)
    assert await figures(floor) == before


async def test_a_code_is_known_again_when_its_read_is_not(floor: Floor, line: Door) -> None:
    [bottle] = await scanned(floor, line, 1)
    await trim(floor)
    again = await line.intake.submit(line.actor, RecordScan(bottle.identifier))
    assert again.scan.duplicate
    assert again.bottle == bottle


async def test_young_reads_stay(floor: Floor, line: Door) -> None:
    await scanned(floor, line, 2)
    assert await trim(floor, before_us=0) == Trimmed(0, more=False)
    assert await trim(floor, limit=1) == Trimmed(1, more=True)
    assert (await trim(floor)).rows == 1

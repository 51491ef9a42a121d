"""Scans that gateways tell: kept with what was told, each event once, whoever delivers it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select

from domain.kernel.columns import table_of
from domain.kernel.ids import new_id
from domain.production import events
from domain.production.commands import RecordScan, ScanFilter, ScanPurpose
from domain.production.models import GatewayScan, ScanRollup, ScanSource
from domain.production.repository import gateway_scans, scans
from domain.production.repository.scan_store import ScanOutcome
from domain.production.rows import GatewayRead
from tests.support.codes import DOCUMENTED, TOO_SHORT, milk_codes
from tests.support.floor import Floor
from tests.support.intake import Door, door
from tests.support.log import facts

GATEWAY = new_id()


@pytest.fixture
async def line(floor: Floor) -> AsyncIterator[Door]:
    async with door(floor.database, floor.actor, floor.clock) as opened:
        yield opened


def told(event_id: str, code: str = "pick 7", gateway_id: str = GATEWAY) -> RecordScan:
    read = GatewayRead(gateway_id, event_id, "Picking", "Station3", "QR_CODE", 0.4, "S-1", 93)
    return RecordScan(code, source=ScanSource.GATEWAY, purpose=ScanPurpose.OBSERVE, gateway=read)


async def tell(line: Door, *commands: RecordScan) -> list[ScanOutcome]:
    return await asyncio.gather(*(line.intake.submit(line.actor, one) for one in commands))


async def stored(floor: Floor) -> tuple[int, int, int]:
    """Scans, what was told with them, and what the rollups count."""
    async with floor.database.read() as session:
        kept = await session.scalar(select(func.count()).select_from(table_of(GatewayScan)))
        summed = await session.scalar(select(func.sum(table_of(ScanRollup).c.scans)))
        return await scans.count(session, floor.customer_id, ScanFilter()), kept or 0, summed or 0


async def test_any_text_will_do_and_nothing_is_made(floor: Floor, line: Door) -> None:
    known, ours = milk_codes(2)
    await line.intake.submit(line.actor, RecordScan(known))
    text, strange, met, not_met, short = await tell(
        line,
        told("1", "pick 7"),
        told("2", "\x00\ud800"),
        told("3", known),
        told("4", ours),
        told("5", TOO_SHORT),
    )
    for done in (text, strange, met, not_met, short):
        assert (done.scan.valid, done.scan.reason, done.scan.duplicate) == (True, None, False)
    assert (text.scan.gtin, text.bottle) == (None, None)
    assert met.bottle is not None
    assert met.bottle.identifier == known
    assert (not_met.bottle, not_met.scan.gtin) == (None, met.scan.gtin)
    assert line.intake.committed["checked"] == 5
    assert await stored(floor) == (6, 5, 6)


async def test_the_fact_and_the_side_table_have_what_was_told(floor: Floor, line: Door) -> None:
    [done] = await tell(line, command := told("1", DOCUMENTED))
    (fact,) = await facts(floor.database, events.STREAM)
    assert fact.kind == events.SCAN_CHECKED
    assert command.gateway is not None
    assert fact.data["gateway"] == command.gateway._asdict()
    async with floor.database.read() as session:
        found = await gateway_scans.by_scans(session, floor.customer_id, [done.scan.id, new_id()])
        others = await gateway_scans.by_scans(session, floor.customer_id + 1, [done.scan.id])
    assert (found, others) == ({done.scan.id: command.gateway}, {})


async def test_an_event_is_stored_once_within_a_batch_and_after_it(
    floor: Floor, line: Door
) -> None:
    first = await tell(line, told("1"), told("2"), told("1"), told("1", gateway_id=new_id()))
    assert [done.repeated for done in first] == [False, False, True, False]
    again = await tell(line, told("2"), told("1"))
    assert [done.repeated for done in again] == [True, True]
    mixed = await tell(line, told("2"), RecordScan(DOCUMENTED), told("3"))
    assert [done.repeated for done in mixed] == [True, False, False]
    assert mixed[1].bottle is not None
    assert await stored(floor) == (5, 4, 5)
    assert len(await facts(floor.database, events.STREAM)) == 5
    assert line.intake.committed["repeated"] == 4


async def test_processes_that_are_given_the_same_store_it_once(floor: Floor, line: Door) -> None:
    async with door(floor.database, floor.actor, floor.clock) as other:
        commands = [told(str(number)) for number in range(300)]
        done = await asyncio.gather(tell(line, *commands), tell(other, *reversed(commands)))
    fresh = [one for each in done for one in each if not one.repeated]
    assert len(fresh) == 300
    assert await stored(floor) == (300, 300, 300)


async def test_it_goes_with_its_scan(floor: Floor, line: Door) -> None:
    await tell(line, told("1"), told("2"))
    later_us = floor.clock.now_us() + 10**15
    async with floor.transactions.begin(floor.actor) as work:
        kept = await gateway_scans.trim(work.session, 0, 10)
        gone = await gateway_scans.trim(work.session, later_us, 1)
    assert (kept.rows, gone) == (0, (1, True))
    assert (await stored(floor))[1] == 1

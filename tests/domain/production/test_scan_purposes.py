"""Reads that check or name something are kept like all others, and make nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from domain.production import events
from domain.production.commands import RecordScan, ScanPurpose
from tests.support.codes import DOCUMENTED, TOO_SHORT
from tests.support.floor import Floor
from tests.support.intake import Door, door
from tests.support.log import facts


@pytest.fixture
async def line(floor: Floor) -> AsyncIterator[Door]:
    async with door(floor.database, floor.actor, floor.clock) as opened:
        yield opened


async def test_a_checked_code_finds_its_bottle_and_makes_none(floor: Floor, line: Door) -> None:
    check = RecordScan(DOCUMENTED, purpose=ScanPurpose.CHECK)
    before = await line.intake.submit(line.actor, check)
    made = await line.intake.submit(line.actor, RecordScan(DOCUMENTED))
    after = await line.intake.submit(line.actor, check)
    assert before.scan.valid
    assert before.bottle is None
    assert after.scan.valid
    assert not after.scan.duplicate
    assert after.bottle == made.bottle
    kinds = [fact.kind for fact in await facts(floor.database, events.STREAM)]
    assert kinds == [events.SCAN_CHECKED, events.SCAN_RECORDED, events.SCAN_CHECKED]
    assert line.intake.committed == {"checked": 2, "accepted": 1}


async def test_a_bad_code_is_refused_whatever_it_is_for(line: Door) -> None:
    done = await line.intake.submit(line.actor, RecordScan(TOO_SHORT, purpose=ScanPurpose.CHECK))
    assert (done.scan.valid, done.scan.reason, done.bottle) == (False, "BAD_LENGTH", None)


async def test_a_label_is_any_text_and_no_bottle(line: Door) -> None:
    for text in ("00046000000000000017", "PACK 17", DOCUMENTED):
        done = await line.intake.submit(line.actor, RecordScan(text, purpose=ScanPurpose.LABEL))
        assert (done.scan.valid, done.scan.gtin, done.bottle) == (True, None, None)
    missed = RecordScan("", purpose=ScanPurpose.LABEL, no_read=True)
    assert (await line.intake.submit(line.actor, missed)).scan.reason == "NO_READ"


async def test_makers_and_checkers_of_one_batch_do_not_disturb_each_other(line: Door) -> None:
    """Submitted at once, so that one transaction takes them."""
    commands = [
        RecordScan(DOCUMENTED, purpose=purpose)
        for purpose in (ScanPurpose.MAKE, ScanPurpose.CHECK, ScanPurpose.MAKE, ScanPurpose.CHECK)
    ]
    done = await asyncio.gather(*(line.intake.submit(line.actor, one) for one in commands))
    assert [one.scan.duplicate for one in done] == [False, False, True, False]
    assert len({one.bottle.id for one in done if one.bottle}) == 1

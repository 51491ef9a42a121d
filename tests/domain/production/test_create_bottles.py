"""Bulk creation: all or nothing, whoever else creates the same at the same moment."""

import asyncio
from collections.abc import Sequence

import pytest

from domain.kernel.errors import Conflict, ValidationFailed
from domain.production import events
from domain.production.commands import MAX_BULK, CreateBottles, NewBottle
from domain.production.models import BottleStatus
from domain.production.operations import bottles
from domain.production.rows import BottleRow
from tests.support.codes import BAD, DOCUMENTED, milk_codes
from tests.support.floor import Floor, create_command
from tests.support.log import facts


async def test_what_was_created_is_there_with_its_history(floor: Floor) -> None:
    codes = floor.fresh_codes(3)
    made = await floor.create(codes)
    assert [row.identifier for row in made] == codes
    assert {row.status for row in made} == {BottleStatus.CREATED}
    assert [await floor.bottle_now(row.id) for row in made] == made
    held = await floor.contents()
    assert len(held["trace_event"]) == 3
    (fact,) = await facts(floor.database, events.STREAM)
    assert [bottle["identifier"] for bottle in fact.data["bottles"]] == codes


async def test_the_code_wins_over_a_gtin_that_contradicts_it(floor: Floor) -> None:
    bottle = NewBottle.of(identifier=DOCUMENTED, gtin="04600000000001")
    command = CreateBottles.of(bottles=(bottle,), device_id="device-001")
    (made,) = await floor.do(lambda work: bottles.create_bottles(work, command, floor.codes.read))
    assert (made.gtin, made.serial, made.device_id) == ("04600000000017", "ABC123", "device-001")


async def test_a_duplicate_within_the_request_stores_nothing(floor: Floor) -> None:
    first, second = floor.fresh_codes(2)
    before = await floor.contents()
    with pytest.raises(Conflict) as refused:
        await floor.create([first, second, first])
    assert refused.value.details["identifiers"] == [first, first]
    assert refused.value.details["count"] == 1
    assert await floor.contents() == before


async def test_the_same_code_without_its_separator_is_a_duplicate(floor: Floor) -> None:
    (code,) = floor.fresh_codes(1)
    before = await floor.contents()
    with pytest.raises(Conflict):
        await floor.create([code, code.replace("\x1d", "")])
    assert await floor.contents() == before


async def test_a_duplicate_in_the_database_stores_nothing(floor: Floor) -> None:
    old = floor.fresh_codes(1)
    await floor.create(old)
    before = await floor.contents()
    with pytest.raises(Conflict) as refused:
        await floor.create([*floor.fresh_codes(2), *old])
    assert refused.value.details["identifiers"] == old
    assert await floor.contents() == before


async def test_one_code_that_is_none_stores_nothing(floor: Floor) -> None:
    good = floor.fresh_codes(2)
    before = await floor.contents()
    with pytest.raises(ValidationFailed) as refused:
        await floor.create([*good, BAD])
    assert refused.value.details["field"] == "bottles.2.identifier"
    assert refused.value.details["code"] == "BAD_LENGTH"
    assert await floor.contents() == before


@pytest.mark.parametrize("wrong", ["", "x" * 513, "a\0b", "\ud800"])
def test_text_that_is_no_code_at_all_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationFailed):
        NewBottle.of(identifier=wrong)


@pytest.mark.parametrize("field", ["line_id", "product_id", "party"])
@pytest.mark.parametrize("wrong", ["", "x" * 129, "a\0b", "\ud800", 17])
def test_labels_are_short_and_can_be_stored(field: str, wrong: object) -> None:
    with pytest.raises(ValidationFailed) as refused:
        NewBottle.of(identifier=DOCUMENTED, **{field: wrong})
    assert refused.value.details["field"] == field


def test_a_request_holds_from_one_to_ten_thousand() -> None:
    one = NewBottle.of(identifier=DOCUMENTED)
    for wrong in ((), (one,) * (MAX_BULK + 1)):
        with pytest.raises(ValidationFailed):
            CreateBottles.of(bottles=wrong)


async def attempt(floor: Floor, codes: Sequence[str]) -> list[BottleRow] | None:
    """None for a Conflict; any other failure is the test's."""
    command = create_command(codes)
    try:
        async with floor.transactions.begin(floor.actor) as work:
            return await bottles.create_bottles(work, command, floor.codes.read)
    except Conflict:
        return None


async def test_of_several_that_race_for_one_code_exactly_one_wins(floor: Floor) -> None:
    (contested,) = milk_codes(1, seed=7)
    wanted = [[*floor.fresh_codes(5), contested] for _ in range(6)]
    done = await asyncio.gather(*[attempt(floor, codes) for codes in wanted])
    winners = [rows for rows in done if rows is not None]
    assert len(winners) == 1
    assert len((await floor.contents())["bottle"]) == 6


async def test_two_that_create_the_same_in_opposite_order_do_not_wait_in_a_circle(
    floor: Floor,
) -> None:
    for round_ in range(4):
        codes = milk_codes(400, seed=20 + round_)
        done = await asyncio.gather(
            *[attempt(floor, order) for order in (codes, codes[::-1]) for _ in range(2)]
        )
        assert [rows is None for rows in done].count(False) == 1
    assert len((await floor.contents())["bottle"]) == 4 * 400

"""The buffer of batch accounting: loaded as often as one likes, each code consumed from it once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select, text

from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from domain.kernel.errors import NotFound
from domain.kernel.ids import new_id
from domain.kernel.uow import Transactions
from domain.production import events
from domain.production.codes import GS, CodeReason, sscc
from domain.production.commands import ClearBuffer, SetBottleStatus, VerifyCode
from domain.production.models import BottleStatus, BufferVerdict, ItemKind
from domain.production.operations import bottles, buffer, pallets
from domain.production.operations.buffer import BufferLoaded, Verification
from domain.production.own_batches import OwnBatches
from domain.production.ports import SourcedBatch
from domain.production.repository import buffer as rows
from domain.production.rows import BatchRow, BufferBatchRow, BufferFigures
from tests.support.codes import BAD, TOO_SHORT
from tests.support.floor import PREFIX, Floor
from tests.support.log import facts
from tests.support.waiting import until

VERIFIED, CONSUMED = BufferVerdict.VERIFIED, BufferVerdict.ALREADY_CONSUMED
ABSENT, INVALID = BufferVerdict.NOT_IN_BUFFER, BufferVerdict.INVALID


class Quiet:
    def announce(self) -> None:
        return


async def sourced(floor: Floor, batch: BatchRow) -> SourcedBatch:
    found = await OwnBatches(floor.database).find(floor.customer_id, batch.identifier)
    assert found is not None
    return found


async def load(floor: Floor, batch: BatchRow) -> BufferLoaded:
    found = await sourced(floor, batch)
    return await floor.do(lambda work: buffer.load(work, found))


async def verify(floor: Floor, code: str, by: str | None = None) -> Verification:
    command = VerifyCode.of(code=code, consumed_by=by)
    return await floor.do(lambda work: buffer.verify(work, command, floor.codes.read))


async def clear(floor: Floor, key: str | None = None) -> list[BufferBatchRow]:
    command = ClearBuffer.of(batch_identifier=key)
    return await floor.do(lambda work: buffer.clear(work, command))


async def figures(floor: Floor) -> BufferFigures:
    """As they are kept, which must be what there is to count."""
    item, mine = rows.ITEM, rows.ITEM.c.customer_id == floor.customer_id
    query = select(item.c.batch_id, func.count(), func.count(item.c.consumed_at_us))
    async with floor.database.read() as session:
        found = await rows.figures(session, floor.customer_id)
        counted = {
            row[0]: (row[1], row[2])
            for row in await session.execute(query.where(mine).group_by(item.c.batch_id))
        }
    kept = {one.id: (one.loaded, one.consumed) for one in found.batches if one.loaded}
    assert kept == counted
    assert found.loaded == sum(loaded for loaded, _ in counted.values())
    assert found.consumed == sum(consumed for _, consumed in counted.values())
    return found


async def told(floor: Floor) -> list[str]:
    found = await facts(floor.database, events.STREAM)
    return [fact.kind for fact in found if fact.kind.startswith("buffer.")]


async def test_a_batch_is_loaded_checked_and_consumed(floor: Floor) -> None:
    batch = await floor.batch(3)
    done = await load(floor, batch)
    assert (done.added, done.batch.loaded, done.batch.consumed) == (3, 3, 0)
    assert (done.batch.id, done.batch.identifier) == (batch.id, batch.identifier)
    code = (await floor.inside(batch.id))[0].identifier
    first = await verify(floor, code, "packer-1")
    assert (first.verdict, first.verified, first.reason, first.message) == (
        VERIFIED,
        True,
        None,
        None,
    )
    assert first.item is not None
    assert first.batch is not None
    assert (first.item.consumed_by, first.item.consumed_at_us) == (
        "packer-1",
        floor.clock.now_us(),
    )
    assert (first.batch.consumed, first.batch.remaining) == (1, 2)
    again = await verify(floor, code, "packer-2")
    assert (again.verdict, again.reason) == (CONSUMED, CodeReason.ALREADY_CONSUMED)
    assert (again.item, again.batch) == (first.item, first.batch)
    shown = await figures(floor)
    assert (shown.loaded, shown.consumed, shown.remaining) == (3, 1, 2)


async def test_without_a_name_it_is_whoever_acts(floor: Floor) -> None:
    batch = await floor.batch(1)
    await load(floor, batch)
    done = await verify(floor, (await floor.inside(batch.id))[0].identifier)
    assert done.item is not None
    assert done.item.consumed_by == floor.actor.name


async def test_a_code_is_found_in_any_form_that_a_scanner_sends(floor: Floor) -> None:
    batch = await floor.batch(4)
    await load(floor, batch)
    plain, marked, literal, bare = [row.identifier for row in await floor.inside(batch.id)]
    assert GS in plain
    for form in (
        plain,
        f"]d2{GS}{marked}\r\n",
        literal.replace(GS, "<GS>"),
        bare.replace(GS, ""),
    ):
        assert (await verify(floor, form)).verdict is VERIFIED, repr(form)
    assert (await verify(floor, plain.replace(GS, ""))).verdict is CONSUMED


async def test_every_other_verdict_changes_nothing(floor: Floor) -> None:
    batch = await floor.batch(1)
    await load(floor, batch)
    code = (await floor.inside(batch.id))[0].identifier
    await verify(floor, code)
    before = await floor.contents()
    (stranger,) = floor.fresh_codes(1)
    pallet = f"00{sscc(3, PREFIX, 1)}"
    for read, verdict, reason in (
        (code, CONSUMED, CodeReason.ALREADY_CONSUMED),
        (stranger, ABSENT, CodeReason.NOT_IN_BUFFER),
        (TOO_SHORT, INVALID, CodeReason.BAD_LENGTH),
        (BAD, INVALID, None),
        ("NOREAD", INVALID, CodeReason.NO_READ),
        ("", INVALID, None),
        ("\0", INVALID, None),
        (pallet, INVALID, CodeReason.NO_GTIN),
    ):
        done = await verify(floor, read)
        assert done.verdict is verdict, repr(read)
        assert not done.verified
        assert done.message
        assert done.reason is not None
        assert reason in (None, done.reason), repr(read)
    assert await floor.contents() == before


async def test_loading_again_adds_what_is_new_and_un_consumes_nothing(floor: Floor) -> None:
    batch = await floor.batch(2)
    first = await load(floor, batch)
    code = (await floor.inside(batch.id))[0].identifier
    await verify(floor, code)
    before = await floor.contents()
    again = await load(floor, batch)
    assert (again.added, again.batch.loaded, again.batch.consumed) == (0, 2, 1)
    assert again.batch.loaded_at_us == first.batch.loaded_at_us
    assert await floor.contents() == before
    fresh = await floor.bottles(2)
    ids = tuple(row.id for row in fresh)
    await floor.pack(batch.id, ids)
    more = await load(floor, batch)
    assert (more.added, more.batch.loaded, more.batch.consumed) == (2, 4, 1)
    assert (await verify(floor, code)).verdict is CONSUMED
    assert (await verify(floor, fresh[0].identifier)).verdict is VERIFIED
    assert (await figures(floor)).consumed == 2
    loaded, consumed = events.BUFFER_LOADED, events.BUFFER_CONSUMED
    assert await told(floor) == [loaded, consumed, loaded, consumed]


async def test_what_was_withdrawn_is_not_loaded(floor: Floor) -> None:
    batch = await floor.batch(2)
    found = await sourced(floor, batch)
    bad = found.bottles[0]._replace(status=BottleStatus.REJECTED)
    done = await floor.do(
        lambda work: buffer.load(work, found._replace(bottles=[bad, found.bottles[1]]))
    )
    assert (done.added, done.batch.loaded) == (1, 1)


async def test_a_batch_that_says_a_code_twice_has_it_once(floor: Floor) -> None:
    found = await sourced(floor, await floor.batch(2))
    doubled = found._replace(bottles=[*found.bottles, found.bottles[0]])
    done = await floor.do(lambda work: buffer.load(work, doubled))
    assert (done.added, done.batch.loaded) == (2, 2)
    await figures(floor)


async def test_an_empty_batch_may_be_loaded(floor: Floor) -> None:
    done = await load(floor, await floor.batch())
    assert (done.added, done.batch.loaded) == (0, 0)
    assert await told(floor) == [events.BUFFER_LOADED]


async def test_a_code_is_where_it_was_loaded_last_and_stays_consumed(floor: Floor) -> None:
    first = await floor.batch(3)
    inside = await floor.inside(first.id)
    await load(floor, first)
    await verify(floor, inside[0].identifier)
    await floor.do(lambda work: pallets.disaggregate_batch(work, first.id))
    second = await floor.batch(1)
    await floor.pack(second.id, tuple(row.id for row in inside[:2]))
    done = await load(floor, second)
    assert (done.added, done.batch.loaded, done.batch.consumed) == (3, 3, 1)
    shown = {one.id: (one.loaded, one.consumed) for one in (await figures(floor)).batches}
    assert shown == {first.id: (1, 0), second.id: (3, 1)}
    await clear(floor, first.identifier)
    assert (await verify(floor, inside[0].identifier)).verdict is CONSUMED
    assert (await verify(floor, inside[1].identifier)).verdict is VERIFIED
    assert (await verify(floor, inside[2].identifier)).verdict is ABSENT
    assert (await figures(floor)).consumed == 2


async def test_one_batch_is_cleared_or_all(floor: Floor) -> None:
    made = [await floor.batch(count) for count in (2, 3, 1)]
    for batch in made:
        await load(floor, batch)
    code = (await floor.inside(made[0].id))[0].identifier
    await verify(floor, code)
    before = await floor.contents()
    with pytest.raises(NotFound):
        await clear(floor, "B-1999-000001")
    assert await floor.contents() == before
    [gone] = await clear(floor, made[0].identifier)
    assert (gone.id, gone.loaded, gone.consumed) == (made[0].id, 2, 1)
    assert (await verify(floor, code)).verdict is ABSENT
    assert [one.id for one in await clear(floor, made[1].id)] == [made[1].id]
    assert [one.id for one in await clear(floor)] == [made[2].id]
    assert await clear(floor) == []
    assert await figures(floor) == BufferFigures(0, 0, [])
    found = [one for one in await facts(floor.database, events.STREAM) if "buffer." in one.kind]
    assert [one.kind for one in found][-3:] == [events.BUFFER_CLEARED] * 3
    [consumed] = [one for one in found if one.kind == events.BUFFER_CONSUMED]
    assert (consumed.key, consumed.data["item"]["consumed_by"]) == (made[0].id, "floor")


async def test_once_cleared_it_may_be_loaded_and_consumed_anew(floor: Floor) -> None:
    batch = await floor.batch(1)
    code = (await floor.inside(batch.id))[0].identifier
    for _ in range(2):
        await load(floor, batch)
        assert (await verify(floor, code)).verdict is VERIFIED
        await clear(floor)
    bottle = (await floor.inside(batch.id))[0]
    found = await floor.trace(ItemKind.BOTTLE, bottle)
    assert found is not None
    seen = [event for event in found.events if event.kind == buffer.VERIFIED]
    assert [(event.other_id, event.actor) for event in seen] == [(batch.id, "floor")] * 2


async def test_a_check_that_is_rolled_back_consumed_nothing(floor: Floor) -> None:
    """As part of a larger unit of work, which fails after it."""
    batch = await floor.batch(1)
    await load(floor, batch)
    bottle = (await floor.inside(batch.id))[0]
    before = await floor.contents()

    async def both(work: Any) -> None:
        command = VerifyCode.of(code=bottle.identifier)
        done = await buffer.verify(work, command, floor.codes.read)
        assert done.verified
        gone = SetBottleStatus.of(bottle_id=new_id(), status=BottleStatus.REJECTED)
        await bottles.set_bottle_status(work, gone)

    with pytest.raises(NotFound):
        await floor.do(both)
    assert await floor.contents() == before
    assert (await verify(floor, bottle.identifier)).verdict is VERIFIED


async def test_a_batch_is_found_by_its_number_or_its_id(floor: Floor) -> None:
    batch, own = await floor.batch(2), OwnBatches(floor.database)
    by_number = await own.find(floor.customer_id, batch.identifier)
    assert by_number is not None
    assert {one.id for one in by_number.bottles} == {row.id for row in await floor.inside(batch.id)}
    assert await own.find(floor.customer_id, batch.id) == by_number
    assert await own.find(floor.customer_id, "B-1999-000001") is None
    assert await own.find(floor.customer_id, new_id()) is None
    assert await own.find(floor.customer_id + 1, batch.id) is None


@pytest.fixture
async def other(floor: Floor) -> AsyncIterator[Floor]:
    """The same floor through connections of its own, as another process has them."""
    database = Database(floor.database.url.render_as_string(hide_password=False))
    try:
        transactions = Transactions(database, SystemClock(), Quiet())
        yield replace(floor, database=database, transactions=transactions)
    finally:
        await database.close()


async def verdicts(floors: Sequence[Floor], codes: Sequence[str]) -> list[Verification]:
    """Each code on each floor, all at once."""
    return await asyncio.gather(
        *[verify(one, code, f"who-{place}") for code in codes for place, one in enumerate(floors)]
    )


async def test_of_many_who_check_one_code_exactly_one_consumes_it(
    floor: Floor, other: Floor
) -> None:
    batch = await floor.batch(2)
    await load(floor, batch)
    first, second = [row.identifier for row in await floor.inside(batch.id)]
    done = await verdicts([floor, other], [first] * 40)
    assert Counter(one.verdict for one in done) == {VERIFIED: 1, CONSUMED: 79}
    [winner] = [one for one in done if one.verified]
    assert {one.item for one in done} == {winner.item}, "the others are told who and when"
    shown = await figures(floor)
    assert (shown.loaded, shown.consumed) == (2, 1)
    assert await told(floor) == [events.BUFFER_LOADED, events.BUFFER_CONSUMED]
    assert (await verify(other, second)).verdict is VERIFIED


async def test_a_whole_batch_is_consumed_once_by_two_processes(floor: Floor, other: Floor) -> None:
    batch = await floor.batch(60)
    await load(floor, batch)
    codes = [row.identifier for row in await floor.inside(batch.id)]
    done = await verdicts([floor, other], codes)
    assert Counter(one.verdict for one in done) == {VERIFIED: 60, CONSUMED: 60}
    assert [one.batch.consumed for one in done if one.batch and one.verified].count(60) == 1
    shown = await figures(floor)
    assert (shown.loaded, shown.consumed, shown.remaining) == (60, 60, 0)
    assert (await told(floor)).count(events.BUFFER_CONSUMED) == 60


async def waited_for(floor: Floor) -> None:
    """Until a transaction waits for a lock of another; on SQLite the next one does anyway."""
    if floor.database.is_sqlite:
        return

    async def is_so() -> bool:
        query = text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND datname = current_database()"
        )
        async with floor.database.read() as session:
            return bool(await session.scalar(query))

    await until(is_so)


async def test_what_is_consumed_while_it_moves_is_counted_where_it_ends(
    floor: Floor, other: Floor
) -> None:
    first, second = await floor.batch(2), await floor.batch(1)
    await load(floor, first)
    found, more = await sourced(floor, second), await sourced(floor, first)
    both = found._replace(bottles=[*found.bottles, *more.bottles])
    code = (await floor.inside(first.id))[0].identifier
    async with floor.begin() as work:
        done = await buffer.verify(work, VerifyCode.of(code=code), floor.codes.read)
        moving = asyncio.create_task(other.do(lambda own: buffer.load(own, both)))
        await waited_for(floor)
    assert done.verified
    assert (await moving).added == 3
    shown = {one.id: (one.loaded, one.consumed) for one in (await figures(floor)).batches}
    assert shown == {first.id: (0, 0), second.id: (3, 1)}


async def test_what_is_consumed_while_it_is_cleared_is_told_so(floor: Floor, other: Floor) -> None:
    batch = await floor.batch(2)
    await load(floor, batch)
    code = (await floor.inside(batch.id))[0].identifier
    async with floor.begin() as work:
        await buffer.verify(work, VerifyCode.of(code=code), floor.codes.read)
        clearing = asyncio.create_task(clear(other))
        await waited_for(floor)
    [gone] = await clearing
    assert (gone.loaded, gone.consumed) == (2, 1)
    assert await figures(floor) == BufferFigures(0, 0, [])


async def test_loading_and_clearing_while_codes_are_checked(floor: Floor, other: Floor) -> None:
    """Nobody waits in a circle, no figure drifts, and nothing is consumed twice in between."""
    batches = [await floor.batch(20) for _ in range(3)]
    inside = [row for batch in batches for row in await floor.inside(batch.id)]
    found = [await sourced(floor, batch) for batch in batches]
    shuffled = [
        one._replace(bottles=[*one.bottles, *found[place - 1].bottles[:10]])
        for place, one in enumerate(found)
    ]

    async def loads(where: Floor, turns: Sequence[SourcedBatch]) -> None:
        for one in turns:
            await where.do(partial(buffer.load, found=one))

    async def clears() -> None:
        for _ in range(3):
            await clear(other)

    acts = [
        loads(floor, [*shuffled, *shuffled]),
        loads(other, [*reversed(shuffled), *shuffled]),
        clears(),
        *[verify(one, row.identifier) for row in inside for one in (floor, other)],
    ]
    done = await asyncio.gather(*acts, return_exceptions=True)
    assert not [one for one in done if isinstance(one, BaseException)]
    await loads(floor, shuffled)
    await figures(floor)
    await verdicts([floor, other], [row.identifier for row in inside])
    shown = await figures(floor)
    assert (shown.loaded, shown.consumed) == (60, 60)

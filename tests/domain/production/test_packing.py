"""Into batches and out of them: all or nothing, and one batch for a bottle, whoever races."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from domain.kernel.errors import Conflict, NotFound, ValidationFailed
from domain.production import events
from domain.production.commands import CreateBatch, MoveBottles, SetBottleStatus
from domain.production.models import AggregateStatus, BottleStatus, ItemKind
from domain.production.operations import bottles, packing, pallets
from domain.production.rows import BatchRow, BottleRow
from tests.support.floor import ORIGIN, Floor
from tests.support.log import facts

IN_PROGRESS, COMPLETE = AggregateStatus.IN_PROGRESS, AggregateStatus.COMPLETE


async def add(floor: Floor, batch: BatchRow, *rows: BottleRow) -> int:
    command = MoveBottles.of(batch_id=batch.id, bottle_ids=tuple(row.id for row in rows))
    return await floor.do(lambda work: packing.add_bottles(work, command))


async def remove(floor: Floor, batch: BatchRow, *rows: BottleRow) -> int:
    command = MoveBottles.of(batch_id=batch.id, bottle_ids=tuple(row.id for row in rows))
    return await floor.do(lambda work: packing.remove_bottles(work, command))


async def raced(*acts: Callable[[], Awaitable[Any]]) -> list[Any]:
    """All at once; a Conflict is an answer, anything else the test's failure."""
    done = await asyncio.gather(*[act() for act in acts], return_exceptions=True)
    for answer in done:
        if isinstance(answer, BaseException) and not isinstance(answer, Conflict):
            raise answer
    return done


async def consistent(floor: Floor, batch: BatchRow) -> BatchRow:
    """The batch as it is now, whose count, content and history must agree."""
    now = await floor.batch_now(batch.id)
    inside = await floor.inside(batch.id)
    assert now.bottle_count == len(inside)
    found = await floor.trace(ItemKind.BATCH, now)
    assert found is not None
    held = {child.item.id for child in found.node.children}
    assert held == {row.id for row in inside}
    return now


async def test_bottles_go_in_once_and_are_counted(floor: Floor) -> None:
    batch, rows = await floor.batch(), await floor.bottles(3)
    assert await add(floor, batch, *rows) == 3
    assert await add(floor, batch, *rows) == 0
    assert await add(floor, batch, rows[0], rows[0], *await floor.bottles(1)) == 1
    now = await consistent(floor, batch)
    assert (now.bottle_count, now.status) == (4, IN_PROGRESS)
    assert {row.status for row in await floor.inside(batch.id)} == {BottleStatus.IN_BATCH}


async def test_a_batch_is_numbered_and_named(floor: Floor) -> None:
    first, second = await floor.batch(), await floor.batch()
    assert [first.identifier, second.identifier] == ["B-2026-000001", "B-2026-000002"]
    assert [first.name, second.name] == ["Batch 1", "Batch 2"]


async def test_a_batch_made_with_bottles_that_cannot_be_packed_is_not_made(floor: Floor) -> None:
    taken = await floor.inside((await floor.batch(1)).id)
    free = await floor.bottles(1)
    before = await floor.contents()
    command = CreateBatch.of(bottle_ids=(free[0].id, taken[0].id))
    with pytest.raises(Conflict):
        await floor.do(lambda work: packing.create_batch(work, command, ORIGIN))
    assert await floor.contents() == before


async def test_one_bottle_that_cannot_enter_keeps_all_out(floor: Floor) -> None:
    batch, free = await floor.batch(), await floor.bottles(2)
    (gone,) = await floor.bottles(1)
    status = SetBottleStatus.of(bottle_id=gone.id, status=BottleStatus.REJECTED)
    await floor.do(lambda work: bottles.set_bottle_status(work, status))
    (packed,) = await floor.inside((await floor.batch(1)).id)
    for bad, error in ((gone, Conflict), (packed, Conflict)):
        before = await floor.contents()
        with pytest.raises(error):
            await add(floor, batch, *free, bad)
        assert await floor.contents() == before
    before = await floor.contents()
    unknown = MoveBottles.of(batch_id=batch.id, bottle_ids=(free[0].id, "0" * 32))
    with pytest.raises(NotFound):
        await floor.do(lambda work: packing.add_bottles(work, unknown))
    assert await floor.contents() == before


async def test_a_batch_completes_when_it_is_full_and_takes_no_more(floor: Floor) -> None:
    batch, rows = await floor.batch(size=3), await floor.bottles(4)
    await add(floor, batch, *rows[:2])
    assert (await floor.batch_now(batch.id)).status is IN_PROGRESS
    before = await floor.contents()
    with pytest.raises(Conflict) as refused:
        await add(floor, batch, *rows[2:])
    assert refused.value.details == {"size": 3, "count": 2, "adding": 2}
    assert await floor.contents() == before
    await add(floor, batch, rows[2])
    now = await consistent(floor, batch)
    assert (now.status, now.completed_at_us) == (COMPLETE, floor.clock.now_us())
    with pytest.raises(Conflict):
        await add(floor, batch, rows[3])
    kinds = [fact.kind for fact in await facts(floor.database, events.STREAM)]
    assert kinds[-2:] == [events.BATCH_FILLED, events.BATCH_COMPLETED]


async def test_removing_takes_out_what_is_in_and_refuses_the_rest(floor: Floor) -> None:
    batch = await floor.batch(3)
    first, second, third = await floor.inside(batch.id)
    (stranger,) = await floor.bottles(1)
    before = await floor.contents()
    with pytest.raises(Conflict) as refused:
        await remove(floor, batch, first, stranger)
    assert refused.value.details["bottle_ids"] == [stranger.id]
    assert await floor.contents() == before
    assert await remove(floor, batch, first, second, first) == 2
    now = await consistent(floor, batch)
    assert now.bottle_count == 1
    assert (await floor.bottle_now(first.id)).status == BottleStatus.CREATED
    assert (await floor.bottle_now(third.id)).batch_id == batch.id
    assert await add(floor, await floor.batch(), first) == 1


@pytest.mark.parametrize("status", [BottleStatus.REJECTED, BottleStatus.DELETED])
async def test_a_rejected_bottle_leaves_its_batch(floor: Floor, status: BottleStatus) -> None:
    batch = await floor.batch(2)
    bottle, _other = await floor.inside(batch.id)
    command = SetBottleStatus.of(bottle_id=bottle.id, status=status)
    await floor.do(lambda work: bottles.set_bottle_status(work, command))
    gone = await floor.bottle_now(bottle.id)
    assert (gone.batch_id, gone.status) == (None, status)
    assert (await consistent(floor, batch)).bottle_count == 1


async def test_a_bottle_set_back_to_created_leaves_its_batch(floor: Floor) -> None:
    batch = await floor.batch(1)
    (bottle,) = await floor.inside(batch.id)
    command = SetBottleStatus.of(bottle_id=bottle.id, status=BottleStatus.CREATED)
    await floor.do(lambda work: bottles.set_bottle_status(work, command))
    free = await floor.bottle_now(bottle.id)
    assert (free.batch_id, free.status) == (None, BottleStatus.CREATED)
    assert (await consistent(floor, batch)).bottle_count == 0


async def test_a_sent_bottle_stays_in_its_batch_and_keeps_its_status_on_the_way_out(
    floor: Floor,
) -> None:
    batch = await floor.batch(2)
    sent, other = await floor.inside(batch.id)
    command = SetBottleStatus.of(bottle_id=sent.id, status=BottleStatus.SENT)
    await floor.do(lambda work: bottles.set_bottle_status(work, command))
    assert (await consistent(floor, batch)).bottle_count == 2
    await remove(floor, batch, sent, other)
    assert (await floor.bottle_now(sent.id)).status == BottleStatus.SENT
    assert (await floor.bottle_now(other.id)).status == BottleStatus.CREATED
    found = await floor.trace(ItemKind.BOTTLE, sent, floor.clock.now_us())
    assert found is not None
    assert found.node.status == "SENT", "history tells another status than the bottle has"


async def test_disaggregating_sets_all_bottles_free(floor: Floor) -> None:
    batch = await floor.batch(3, size=3)
    rows = await floor.inside(batch.id)
    gone = await floor.do(lambda work: pallets.disaggregate(work, batch.id))
    assert (gone.status, gone.bottle_count) == (AggregateStatus.DISAGGREGATED, 0)  # type: ignore[union-attr]
    assert (await consistent(floor, batch)).status is AggregateStatus.DISAGGREGATED
    again = await floor.batch()
    assert await add(floor, again, *rows) == 3


async def test_moving_needs_something_to_move(floor: Floor) -> None:
    with pytest.raises(ValidationFailed):
        MoveBottles.of(batch_id="0" * 32, bottle_ids=())


async def test_two_packers_of_one_bottle_one_wins(floor: Floor) -> None:
    for _ in range(5):
        (bottle,) = await floor.bottles(1)
        batches = [await floor.batch() for _ in range(3)]
        done = await raced(*[partial(add, floor, batch, bottle) for batch in batches])
        assert sorted(map(str, (answer for answer in done if answer == 1))) == ["1"]
        counts = [(await consistent(floor, batch)).bottle_count for batch in batches]
        assert sorted(counts) == [0, 0, 1]


async def test_two_packers_of_one_batch_never_overfill_it(floor: Floor) -> None:
    for _ in range(5):
        batch, rows = await floor.batch(size=3), await floor.bottles(4)
        done = await raced(
            partial(add, floor, batch, *rows[:2]), partial(add, floor, batch, *rows[2:])
        )
        assert [answer for answer in done if answer == 2] == [2]
        assert (await consistent(floor, batch)).bottle_count == 2


async def test_two_packers_that_fill_a_batch_complete_it(floor: Floor) -> None:
    for _ in range(5):
        batch, rows = await floor.batch(size=4), await floor.bottles(4)
        done = await raced(
            partial(add, floor, batch, *rows[:2]), partial(add, floor, batch, *rows[2:])
        )
        assert done == [2, 2]
        assert (await consistent(floor, batch)).status is COMPLETE


async def test_two_that_take_out_the_same_bottle_count_it_once(floor: Floor) -> None:
    for _ in range(5):
        batch = await floor.batch(3)
        bottle = (await floor.inside(batch.id))[0]
        done = await raced(*[partial(remove, floor, batch, bottle)] * 3)
        assert [answer for answer in done if answer == 1] == [1]
        assert (await consistent(floor, batch)).bottle_count == 2


async def test_packing_while_the_batch_is_taken_apart(floor: Floor) -> None:
    for _ in range(5):
        batch, rows = await floor.batch(2), await floor.bottles(2)
        apart = partial(pallets.disaggregate, aggregate_id=batch.id)
        await raced(partial(floor.do, apart), partial(add, floor, batch, *rows))
        now = await consistent(floor, batch)
        assert (now.status, now.bottle_count) == (AggregateStatus.DISAGGREGATED, 0)


async def test_rejecting_a_bottle_while_it_is_packed_leaves_no_ghost(floor: Floor) -> None:
    for _ in range(5):
        batch, (bottle,) = await floor.batch(), await floor.bottles(1)
        # Documented clients set status 1 by hand: in a batch that nobody named.
        by_hand = SetBottleStatus.of(bottle_id=bottle.id, status=BottleStatus.IN_BATCH)
        await floor.do(partial(bottles.set_bottle_status, command=by_hand))
        reject = SetBottleStatus.of(bottle_id=bottle.id, status=BottleStatus.REJECTED)
        await raced(
            partial(floor.do, partial(bottles.set_bottle_status, command=reject)),
            partial(add, floor, batch, bottle),
        )
        await consistent(floor, batch)
        now = await floor.bottle_now(bottle.id)
        assert (now.status == BottleStatus.REJECTED) == (now.batch_id is None)

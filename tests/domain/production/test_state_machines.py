"""Every declared edge works; every other is refused and changes nothing."""

from enum import Enum

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, update

from domain.kernel.errors import Conflict, NotFound
from domain.kernel.transitions import require_edge
from domain.production.commands import MoveBottles, SetBottleStatus
from domain.production.models import AggregateStatus, BottleStatus
from domain.production.operations import bottles, packing, pallets
from domain.production.repository.aggregates import BATCH, PALLET
from domain.production.repository.bottles import BOTTLE
from domain.production.rules import (
    AGGREGATE_EDGES,
    BOTTLE_EDGES,
    PACKABLE,
    is_full,
    require_room,
)
from tests.support.floor import Floor

BottleStatuses = st.sampled_from(BottleStatus)
AggregateStatuses = st.sampled_from(AggregateStatus)


async def put_in_status(floor: Floor, table: Table, row_id: str, status: Enum) -> None:
    """As history left it; here nobody walks the long way."""
    async with floor.begin() as work:
        await work.session.execute(
            update(table).where(table.c.id == row_id).values(status=status.value)
        )


async def set_status(floor: Floor, bottle_id: str, status: BottleStatus) -> None:
    command = SetBottleStatus.of(bottle_id=bottle_id, status=status)
    await floor.do(lambda work: bottles.set_bottle_status(work, command))


@given(BottleStatuses, BottleStatuses)
def test_a_bottle_takes_declared_edges_only(current: BottleStatus, wanted: BottleStatus) -> None:
    if current == wanted:
        assert require_edge(BOTTLE_EDGES, current, wanted, "bottle") is False
    elif wanted in BOTTLE_EDGES[current]:
        assert require_edge(BOTTLE_EDGES, current, wanted, "bottle") is True
    else:
        with pytest.raises(Conflict) as refused:
            require_edge(BOTTLE_EDGES, current, wanted, "bottle")
        assert refused.value.details == {"current": current.name, "wanted": wanted.name}


@given(AggregateStatuses, AggregateStatuses)
def test_an_aggregate_never_goes_back(current: AggregateStatus, wanted: AggregateStatus) -> None:
    order = list(AggregateStatus)
    if wanted in AGGREGATE_EDGES[current]:
        assert order.index(wanted) > order.index(current)


@given(st.integers(0, 50), st.integers(0, 50), st.one_of(st.none(), st.integers(1, 50)))
def test_a_batch_takes_no_more_than_its_size(count: int, adding: int, size: int | None) -> None:
    if size is not None and count + adding > size:
        with pytest.raises(Conflict):
            require_room(count, adding, size)
    else:
        require_room(count, adding, size)
        assert is_full(count + adding, size) is (count + adding == size)


def test_what_cannot_be_packed_is_at_its_end() -> None:
    assert set(BottleStatus) - PACKABLE == {BottleStatus.REJECTED, BottleStatus.DELETED}


async def test_every_edge_of_a_bottle_on_disk(floor: Floor) -> None:
    pairs = [(a, b) for a in BottleStatus for b in BottleStatus]
    made = await floor.bottles(len(pairs))
    for bottle, (current, wanted) in zip(made, pairs, strict=True):
        await put_in_status(floor, BOTTLE, bottle.id, current)
        before = await floor.contents()
        if wanted == current:
            await set_status(floor, bottle.id, wanted)
            assert await floor.contents() == before
        elif wanted in BOTTLE_EDGES[current]:
            await set_status(floor, bottle.id, wanted)
            assert (await floor.bottle_now(bottle.id)).status == wanted
        else:
            with pytest.raises(Conflict):
                await set_status(floor, bottle.id, wanted)
            assert await floor.contents() == before


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(BottleStatuses, max_size=8))
async def test_any_walk_leaves_the_bottle_where_the_last_legal_step_led(
    floor: Floor, walk: list[BottleStatus]
) -> None:
    (bottle,) = await floor.bottles(1)
    expected = BottleStatus.CREATED
    for step in walk:
        if step == expected or step in BOTTLE_EDGES[expected]:
            await set_status(floor, bottle.id, step)
            expected = step
        else:
            with pytest.raises(Conflict):
                await set_status(floor, bottle.id, step)
        assert (await floor.bottle_now(bottle.id)).status == expected


async def test_what_is_not_in_progress_takes_nothing(floor: Floor) -> None:
    (spare,) = await floor.bottles(1)
    for status in (AggregateStatus.COMPLETE, AggregateStatus.DISAGGREGATED):
        batch = await floor.batch(1)
        await put_in_status(floor, BATCH, batch.id, status)
        before = await floor.contents()
        with pytest.raises(Conflict):
            await floor.pack(batch.id, (spare.id,))
        assert await floor.contents() == before


@pytest.mark.parametrize("wanted", ["complete", "disaggregate"])
async def test_a_disaggregated_one_stays_so(floor: Floor, wanted: str) -> None:
    batch = await floor.batch(1)
    pallet = await floor.pallet(await floor.batch(1, complete=True))
    await floor.do(lambda work: pallets.disaggregate(work, batch.id))
    await floor.do(lambda work: pallets.disaggregate(work, pallet.id))
    before = await floor.contents()
    if wanted == "disaggregate":
        again = await floor.do(lambda work: pallets.disaggregate(work, batch.id))
        assert again.status is AggregateStatus.DISAGGREGATED
        await floor.do(lambda work: pallets.disaggregate(work, pallet.id))
    else:
        with pytest.raises(Conflict):
            await floor.do(lambda work: packing.complete_batch(work, batch.id))
        with pytest.raises(Conflict):
            await floor.do(lambda work: pallets.complete_pallet(work, pallet.id))
    assert await floor.contents() == before


async def test_nothing_can_be_completed_empty(floor: Floor) -> None:
    batch, pallet = await floor.batch(), await floor.pallet()
    before = await floor.contents()
    with pytest.raises(Conflict):
        await floor.do(lambda work: packing.complete_batch(work, batch.id))
    with pytest.raises(Conflict):
        await floor.do(lambda work: pallets.complete_pallet(work, pallet.id))
    assert await floor.contents() == before
    await put_in_status(floor, PALLET, pallet.id, AggregateStatus.COMPLETE)


@pytest.mark.parametrize("unknown", ["0" * 32, "", "B-2026-000001", "x" * 500, "\0"])
async def test_what_does_not_exist_is_not_found(floor: Floor, unknown: str) -> None:
    before = await floor.contents()
    acts = [
        lambda work: packing.complete_batch(work, unknown),
        lambda work: pallets.complete_pallet(work, unknown),
        lambda work: pallets.disaggregate(work, unknown),
        lambda work: bottles.set_bottle_status(
            work, SetBottleStatus.of(bottle_id=unknown, status=BottleStatus.SENT)
        ),
        lambda work: packing.add_bottles(
            work, MoveBottles.of(batch_id=unknown, bottle_ids=(unknown,))
        ),
        lambda work: packing.remove_bottles(
            work, MoveBottles.of(batch_id=unknown, bottle_ids=(unknown,))
        ),
    ]
    for act in acts:
        with pytest.raises(NotFound):
            await floor.do(act)
    assert await floor.contents() == before

"""Pallets: numbers nobody else has, complete batches only, and the way back."""

import asyncio
from functools import partial

import pytest

from domain.kernel.errors import Conflict, NotFound
from domain.kernel.uow import UnitOfWork
from domain.production.codes import is_sscc
from domain.production.commands import AddBatches, CreatePallet
from domain.production.models import AggregateStatus, ItemKind
from domain.production.operations import pallets
from domain.production.rows import BatchRow, PalletRow
from tests.support.floor import ORIGIN, PREFIX, Floor


async def load(floor: Floor, pallet: PalletRow, *batches: BatchRow) -> int:
    ids = tuple(batch.id for batch in batches)
    command = AddBatches.of(pallet_id=pallet.id, batch_ids=ids)
    return await floor.do(lambda work: pallets.add_batches(work, command))


async def test_an_sscc_has_the_prefix_a_running_number_and_its_check_digit(floor: Floor) -> None:
    first, second = await floor.pallet(), await floor.pallet()
    for pallet in (first, second):
        assert is_sscc(pallet.sscc)
        assert pallet.sscc[1:8] == PREFIX
    assert int(second.sscc[8:17]) == int(first.sscc[8:17]) + 1
    assert [first.identifier, second.identifier] == ["P-2026-000001", "P-2026-000002"]


async def test_numbers_taken_at_once_are_all_different(floor: Floor) -> None:
    async def one(work: UnitOfWork) -> PalletRow:
        return await pallets.create_pallet(work, CreatePallet.of(), PREFIX, ORIGIN)

    made = await asyncio.gather(*[floor.do(one) for _ in range(20)])
    assert len({pallet.sscc for pallet in made}) == 20
    numbers = sorted(int(pallet.identifier[-6:]) for pallet in made)
    assert numbers == list(range(1, 21))


async def test_a_failed_creation_leaves_no_gap_in_the_numbers(floor: Floor) -> None:
    await floor.pallet()
    command = CreatePallet.of(batch_ids=("0" * 32,))
    before = await floor.contents()
    with pytest.raises(NotFound):
        await floor.do(lambda work: pallets.create_pallet(work, command, PREFIX, ORIGIN))
    assert await floor.contents() == before
    assert (await floor.pallet()).identifier == "P-2026-000002"


async def test_complete_batches_go_on_once(floor: Floor) -> None:
    batches = [await floor.batch(1, complete=True) for _ in range(3)]
    pallet = await floor.pallet(batches[0])
    assert pallet.batch_count == 1
    assert await load(floor, pallet, *batches) == 2
    assert await load(floor, pallet, *batches) == 0
    assert (await floor.pallet_now(pallet.id)).batch_count == 3
    assert (await floor.batch_now(batches[2].id)).pallet_id == pallet.id


async def test_an_open_or_a_loaded_batch_keeps_all_off(floor: Floor) -> None:
    good, loaded = [await floor.batch(1, complete=True) for _ in range(2)]
    open_, pallet = await floor.batch(1), await floor.pallet()
    await floor.pallet(loaded)
    for bad in (open_, loaded):
        before = await floor.contents()
        with pytest.raises(Conflict):
            await load(floor, pallet, good, bad)
        assert await floor.contents() == before
    for unknown in ("0" * 32, "nonsense"):
        before = await floor.contents()
        command = AddBatches.of(pallet_id=pallet.id, batch_ids=(good.id, unknown))
        with pytest.raises(NotFound):
            await floor.do(partial(pallets.add_batches, command=command))
        assert await floor.contents() == before


async def test_a_complete_pallet_takes_no_more(floor: Floor) -> None:
    pallet = await floor.pallet(await floor.batch(1, complete=True))
    done = await floor.do(lambda work: pallets.complete_pallet(work, pallet.id))
    assert done.status is AggregateStatus.COMPLETE
    late = await floor.batch(1, complete=True)
    before = await floor.contents()
    with pytest.raises(Conflict):
        await load(floor, pallet, late)
    again = await floor.do(lambda work: pallets.complete_pallet(work, pallet.id))
    assert again.completed_at_us == done.completed_at_us
    assert await floor.contents() == before


async def test_a_pallet_taken_apart_sets_its_batches_free_whole(floor: Floor) -> None:
    batch = await floor.batch(2, complete=True)
    pallet = await floor.pallet(batch)
    with pytest.raises(Conflict):
        await floor.do(lambda work: pallets.disaggregate(work, batch.id))
    gone = await floor.do(lambda work: pallets.disaggregate(work, pallet.id))
    assert gone.status is AggregateStatus.DISAGGREGATED
    assert (await floor.pallet_now(pallet.id)).batch_count == 0
    free = await floor.batch_now(batch.id)
    assert (free.pallet_id, free.status, free.bottle_count) == (None, AggregateStatus.COMPLETE, 2)
    other = await floor.pallet(free)
    assert other.sscc != pallet.sscc
    assert other.batch_count == 1


async def test_two_pallets_race_for_one_batch(floor: Floor) -> None:
    for _ in range(4):
        batch = await floor.batch(1, complete=True)
        both = [await floor.pallet() for _ in range(2)]
        done = await asyncio.gather(
            *[load(floor, pallet, batch) for pallet in both], return_exceptions=True
        )
        assert sorted(map(type, done), key=str) == sorted([int, Conflict], key=str)
        counts = [(await floor.pallet_now(pallet.id)).batch_count for pallet in both]
        assert sorted(counts) == [0, 1]
        found = await floor.trace(ItemKind.BATCH, await floor.batch_now(batch.id))
        assert found is not None
        assert len(found.path) == 2

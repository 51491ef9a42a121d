"""From any code up and down the tree, now and at any past moment."""

from collections.abc import Sequence

import pytest

from domain.production.commands import AddBatches, MoveBottles, SetBottleStatus
from domain.production.models import BottleStatus, ItemKind
from domain.production.operations import bottles, packing, pallets
from domain.production.operations.genealogy import Genealogy, TraceNode, genealogy
from domain.production.rows import BatchRow, BottleRow, PalletRow
from tests.support.databases import new_customer
from tests.support.floor import Floor

BOTTLE, BATCH, PALLET = ItemKind.BOTTLE, ItemKind.BATCH, ItemKind.PALLET


class Story:
    """A bottle's life, with the moments between its events: `moments[n]` is after the n-th."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.moments: list[int] = []

    def note(self) -> None:
        self.moments.append(self.floor.clock.now_us())

    async def told(self) -> "Story":
        floor = self.floor
        self.bottle, self.mate = await floor.bottles(2)
        self.note()  # 0: free
        self.first = await floor.batch()
        await self.pack(self.first, self.bottle, self.mate)
        self.note()  # 1: in the first batch, with its mate
        await self.unpack(self.first, self.bottle)
        self.note()  # 2: free again
        self.second = await floor.batch()
        await self.pack(self.second, self.bottle)
        await floor.do(lambda work: packing.complete_batch(work, self.second.id))
        self.note()  # 3: in the second batch
        self.pallet = await floor.pallet()
        command = AddBatches.of(pallet_id=self.pallet.id, batch_ids=(self.second.id,))
        await floor.do(lambda work: pallets.add_batches(work, command))
        self.note()  # 4: on the pallet
        await floor.do(lambda work: pallets.disaggregate(work, self.pallet.id))
        self.note()  # 5: the batch stands free
        await floor.do(lambda work: pallets.disaggregate(work, self.second.id))
        self.note()  # 6: the bottle is free
        status = SetBottleStatus.of(bottle_id=self.bottle.id, status=BottleStatus.REJECTED)
        await floor.do(lambda work: bottles.set_bottle_status(work, status))
        self.note()  # 7: rejected
        return self

    async def pack(self, batch: BatchRow, *rows: BottleRow) -> None:
        move = MoveBottles.of(batch_id=batch.id, bottle_ids=tuple(row.id for row in rows))
        await self.floor.do(lambda work: packing.add_bottles(work, move))

    async def unpack(self, batch: BatchRow, row: BottleRow) -> None:
        move = MoveBottles.of(batch_id=batch.id, bottle_ids=(row.id,))
        await self.floor.do(lambda work: packing.remove_bottles(work, move))

    async def at(
        self, moment: int | None, kind: ItemKind, item: BottleRow | BatchRow | PalletRow
    ) -> Genealogy | None:
        return await self.floor.trace(kind, item, None if moment is None else self.moments[moment])


@pytest.fixture
async def story(floor: Floor) -> Story:
    return await Story(floor).told()


def names(nodes: Sequence[TraceNode]) -> list[str]:
    return [node.item.id for node in nodes]


async def test_the_path_of_a_bottle_at_each_moment(story: Story) -> None:
    one = story.bottle.id
    paths = {
        0: [one],
        1: [story.first.id, one],
        2: [one],
        3: [story.second.id, one],
        4: [story.pallet.id, story.second.id, one],
        5: [story.second.id, one],
        6: [one],
        7: [one],
        None: [one],
    }
    statuses = {0: "CREATED", 1: "IN_BATCH", 2: "CREATED", 4: "IN_BATCH", 6: "CREATED"}
    for moment, path in paths.items():
        found = await story.at(moment, BOTTLE, story.bottle)
        assert found is not None
        assert names(found.path) == path, moment
        assert found.path[-1] is found.node
    for moment, status in (statuses | {7: "REJECTED", None: "REJECTED"}).items():
        found = await story.at(moment, BOTTLE, story.bottle)
        assert found is not None
        assert found.node.status == status, moment


async def test_at_the_very_microsecond_of_a_change_it_has_happened(story: Story) -> None:
    at_us = story.moments[1]  # packed at exactly this moment
    packed = await story.floor.trace(BOTTLE, story.bottle, at_us)
    before = await story.floor.trace(BOTTLE, story.bottle, at_us - 1)
    assert packed is not None
    assert before is not None
    assert len(packed.path) == 2
    assert len(before.path) == 1
    assert packed.node.since_us == at_us


async def test_before_it_was_made_there_is_nothing(story: Story) -> None:
    for kind, item in ((BOTTLE, story.bottle), (BATCH, story.second), (PALLET, story.pallet)):
        early = item.created_at_us - 1
        assert await story.floor.trace(kind, item, early) is None
        born = await story.floor.trace(kind, item, early + 1)
        assert born is not None


async def test_a_batch_up_and_down(story: Story) -> None:
    then = await story.at(1, BATCH, story.first)
    assert then is not None
    assert set(names(then.node.children)) == {story.bottle.id, story.mate.id}
    now = await story.at(None, BATCH, story.first)
    assert now is not None
    assert names(now.node.children) == [story.mate.id]
    loaded = await story.at(4, BATCH, story.second)
    assert loaded is not None
    assert names(loaded.path) == [story.pallet.id, story.second.id]
    assert (loaded.node.status, loaded.path[0].status) == ("COMPLETE", "IN_PROGRESS")
    assert names(loaded.node.children) == [story.bottle.id]


async def test_a_pallet_with_the_whole_tree_below(story: Story) -> None:
    full = await story.at(4, PALLET, story.pallet)
    assert full is not None
    (batch,) = full.node.children
    assert (batch.item.id, batch.kind) == (story.second.id, BATCH)
    assert names(batch.children) == [story.bottle.id]
    assert batch.since_us == story.moments[4]
    empty = await story.at(None, PALLET, story.pallet)
    assert empty is not None
    assert (empty.node.children, empty.node.status) == ([], "DISAGGREGATED")


async def test_events_of_the_path_oldest_first_and_not_of_the_future(story: Story) -> None:
    now = await story.at(None, BOTTLE, story.bottle)
    assert now is not None
    kinds = [(event.kind, event.other_id) for event in now.events]
    assert kinds == [
        ("CREATED", None),
        ("PACKED", story.first.id),
        ("UNPACKED", story.first.id),
        ("PACKED", story.second.id),
        ("UNPACKED", story.second.id),
        ("STATUS_CHANGED", None),
    ]
    then = await story.at(4, BOTTLE, story.bottle)
    assert then is not None
    assert {event.subject_id for event in then.events} == set(names(then.path))
    assert [event.id for event in then.events] == sorted(event.id for event in then.events)
    assert all(event.at_us <= story.moments[4] for event in then.events)
    assert {event.actor for event in then.events} == {"floor"}


async def test_another_customers_tree_is_not_there(story: Story) -> None:
    stranger = await new_customer(story.floor.database, "Dairy Two")
    async with story.floor.database.read() as session:
        found = await genealogy(session, stranger, BOTTLE, story.bottle, story.moments[4])
    assert found is not None  # the row was handed in; nothing else may be known of it
    assert (len(found.path), found.events, found.node.children) == (1, [], [])

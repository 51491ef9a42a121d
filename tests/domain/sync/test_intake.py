"""The intake of a factory: any order, any split, any repetition; nothing is dropped in silence."""

import asyncio

from domain.journal.models import JournalEvent, Severity
from domain.kernel import eventlog
from domain.kernel.database import Database
from domain.production import events
from domain.production.models import Batch, Bottle, Containment, Pallet, ProductionRollup
from domain.sync.models import SyncConflict
from domain.sync.ports import EntityState
from tests.support.deliveries import AT, batch, bottle, item_id, pallet
from tests.support.factories import Factory

OTHER = "edge-002"


async def log(factory: Factory) -> list[eventlog.LogRow]:
    async with factory.database.read() as session:
        return await eventlog.read_after(session, 0, 10_000)


async def links(factory: Factory) -> list[tuple[str, str, bool]]:
    rows = await factory.rows(Containment)
    return sorted((row["child_id"], row["parent_id"], row["until_us"] is None) for row in rows)


async def test_what_is_delivered_stands_in_the_tables(factory: Factory) -> None:
    receipt = await factory.take(
        bottle(1, batch=1), bottle(2), batch(1, pallet=1, bottle_count=1), pallet(1)
    )
    assert len(receipt.accepted) == 4
    assert not receipt.rejected
    first, second = await factory.rows(Bottle)
    assert (first["id"], first["batch_id"]) == (item_id(1, 1), item_id(2, 1))
    assert (second["origin"], second["sync_version"], second["status"]) == ("edge-001", 1, 3)
    (packed,) = await factory.rows(Batch)
    assert (packed["pallet_id"], packed["sent_status"]) == (item_id(3, 1), "synced")
    assert await links(factory) == [
        (item_id(1, 1), item_id(2, 1), True),
        (item_id(2, 1), item_id(3, 1), True),
    ]


async def test_again_has_no_further_effect(factory: Factory) -> None:
    states: list[EntityState] = [bottle(1, batch=1), bottle(2), batch(1), pallet(1)]
    await factory.take(*states)
    before, facts = await factory.state(), await log(factory)
    for again in (states, states[::-1], states[1:3], states[:1]):
        receipt = await factory.take(*again)
        assert sorted(receipt.accepted) == sorted(state.id for state in again)
    assert await factory.state() == before
    assert await log(factory) == facts


async def test_an_older_version_is_accepted_without_effect(factory: Factory) -> None:
    await factory.take(bottle(1, version=7, status=4), batch(1, version=7, name="New"))
    before = await factory.state()
    receipt = await factory.take(bottle(1, version=3), batch(1, version=6, name="Old"))
    assert len(receipt.accepted) == 2
    assert await factory.state() == before


async def test_what_names_something_that_is_not_here_waits_for_it(factory: Factory) -> None:
    await factory.take(bottle(1, batch=1), bottle(2, batch=1), batch(2, pallet=1))
    rows = await factory.rows(Bottle)
    assert [(row["batch_id"], row["pending_batch_id"]) for row in rows] == [
        (None, item_id(2, 1)),
        (None, item_id(2, 1)),
    ]
    assert await links(factory) == []
    await factory.take(batch(1, pallet=1))
    await factory.take(pallet(1))
    rows = await factory.rows(Bottle)
    assert [(row["batch_id"], row["pending_batch_id"]) for row in rows] == [
        (item_id(2, 1), None),
        (item_id(2, 1), None),
    ]
    assert [row["pallet_id"] for row in await factory.rows(Batch)] == [item_id(3, 1)] * 2
    assert len(await links(factory)) == 4


async def test_who_no_longer_waits_is_not_linked_later(factory: Factory) -> None:
    await factory.take(bottle(1, batch=1))
    await factory.take(bottle(1, version=2))
    await factory.take(batch(1))
    (row,) = await factory.rows(Bottle)
    assert (row["batch_id"], row["pending_batch_id"]) == (None, None)
    assert await links(factory) == []


async def test_containment_follows_what_moves(factory: Factory) -> None:
    await factory.take(bottle(1, batch=1), batch(1), batch(2))
    await factory.take(bottle(1, version=2, batch=2))
    await factory.take(bottle(1, version=3))
    await factory.take(bottle(1, version=4, batch=1))
    one, first, second = item_id(1, 1), item_id(2, 1), item_id(2, 2)
    assert await links(factory) == [(one, first, False), (one, first, True), (one, second, False)]


async def test_the_same_identity_from_another_edge_is_refused_and_told(factory: Factory) -> None:
    await factory.take(bottle(1), batch(1), pallet(1))
    before = await factory.rows(Bottle)
    claims: list[EntityState] = [
        bottle(1, id=item_id(9, 1)),
        bottle(2),
        batch(1, id=item_id(9, 2)),
        pallet(1, id=item_id(9, 3)),
    ]
    receipt = await factory.take(*claims, origin=OTHER)
    assert receipt.accepted == (item_id(1, 2), item_id(9, 2))  # numbers are each edge's own
    assert {one.id: one.reason for one in receipt.rejected} == {
        item_id(9, 1): "DUPLICATE_IDENTIFIER",
        item_id(9, 3): "DUPLICATE_IDENTIFIER",  # an SSCC is worldwide
    }
    assert (await factory.rows(Bottle))[:1] == before
    (entry,) = await factory.rows(JournalEvent)
    assert (entry["severity"], entry["category"]) == (Severity.WARNING, "SYNC")
    assert item_id(9, 1) in entry["data"]
    kept = await factory.rows(SyncConflict)
    assert [(row["item_id"], row["origin"]) for row in kept] == [
        (item_id(9, 1), OTHER),
        (item_id(9, 3), OTHER),
    ]
    again = await factory.take(*claims, origin=OTHER)
    assert sorted(one.id for one in again.rejected) == [item_id(9, 1), item_id(9, 3)]
    assert len(await factory.rows(JournalEvent)) == 1


async def test_a_number_printed_twice_by_one_edge_is_refused(factory: Factory) -> None:
    receipt = await factory.take(batch(1), batch(1, id=item_id(2, 77)))
    assert [one.reason for one in receipt.rejected] == ["DUPLICATE_IDENTIFIER"]
    assert len(await factory.rows(Batch)) == 1


async def test_an_id_of_another_edge_is_not_overwritten(factory: Factory) -> None:
    await factory.take(bottle(1))
    receipt = await factory.take(bottle(1, version=9, status=5), origin=OTHER)
    assert [one.reason for one in receipt.rejected] == ["FOREIGN_ID"]
    assert [row["status"] for row in await factory.rows(Bottle)] == [3]


async def test_an_id_of_another_customer_is_not_overwritten(factory: Factory) -> None:
    await factory.take(bottle(1), batch(1))
    other = Factory(factory.database, factory.transactions, await factory.neighbour())
    receipt = await other.take(bottle(1, version=9, status=5), bottle(2, batch=1))
    assert [one.reason for one in receipt.rejected] == ["FOREIGN_ID"]
    (mine,) = await other.rows(Bottle)
    assert (mine["batch_id"], mine["pending_batch_id"]) == (None, item_id(2, 1))
    assert [row["status"] for row in await factory.rows(Bottle)] == [3]


async def test_an_item_does_not_change_its_identity(factory: Factory) -> None:
    await factory.take(bottle(1))
    receipt = await factory.take(bottle(1, version=2, serial="other"))
    assert [one.reason for one in receipt.rejected] == ["IDENTITY_CHANGED"]


async def test_what_no_table_can_hold_is_refused_alone(factory: Factory) -> None:
    receipt = await factory.take(
        bottle(1, id="bottle-001"),
        bottle(2, serial=None),
        bottle(3, party="a\0b"),
        bottle(4, batch_id="batch-001"),
        batch(1, status="sealed"),
        bottle(5),
    )
    assert receipt.accepted == (item_id(1, 5),)
    assert {one.reason for one in receipt.rejected} == {"INVALID"}
    assert len(await factory.rows(SyncConflict)) == 5


async def test_it_is_counted_once_where_it_was_made(factory: Factory) -> None:
    done = batch(1, version=2, status="complete", completed_at=AT)
    for states in ([bottle(1), bottle(2), bottle(4)], [batch(1)], [done], [done, bottle(1)]):
        await factory.take(*states)
    await factory.take(pallet(1))
    rows = await factory.rows(ProductionRollup)
    assert {row["origin"] for row in rows} == {"edge-001"}
    assert sum(row["bottles"] for row in rows) == 3
    assert [row["bottles"] for row in rows if row["line_id"] == "line-1"] == [2]
    assert sum(row["batches"] for row in rows) == 1
    assert sum(row["batches_completed"] for row in rows) == 1
    assert sum(row["pallets"] for row in rows) == 1


async def test_it_is_told_live(factory: Factory) -> None:
    await factory.take(bottle(1), batch(1))
    await factory.take(batch(1, version=2, bottle_count=1))
    await factory.take(batch(1, version=3, bottle_count=1, status="complete", completed_at=AT))
    facts = await log(factory)
    assert [fact.kind for fact in facts if fact.stream == events.RECEIVED] == [
        events.BATCH_CREATED,
        events.BATCH_FILLED,
        events.BATCH_COMPLETED,
    ]
    received = [fact.data for fact in facts if fact.kind == events.ITEMS_RECEIVED]
    assert received[0]["bottle_ids"] == [item_id(1, 1)]
    assert received[2]["batch_ids"] == [item_id(2, 1)]


async def test_two_edges_that_claim_the_same_at_once(factory: Factory, database: Database) -> None:
    mine = [bottle(number) for number in range(200)]
    theirs = [bottle(number, id=item_id(9, number)) for number in range(199, -1, -1)]
    one, two = await asyncio.gather(factory.take(*mine), factory.take(*theirs, origin=OTHER))
    assert len(one.accepted) + len(two.accepted) == 200
    assert len(await factory.rows(Bottle)) == 200


async def test_one_edge_that_delivers_twice_at_once(factory: Factory) -> None:
    states = [bottle(number, batch=1) for number in range(100)]
    receipts = await asyncio.gather(
        factory.take(*states), factory.take(*states, batch(1)), factory.take(*states[::-1])
    )
    assert not [one for receipt in receipts for one in receipt.rejected]
    assert {row["batch_id"] for row in await factory.rows(Bottle)} == {item_id(2, 1)}
    assert len(await factory.rows(Pallet)) == 0
    assert len(await links(factory)) == 100

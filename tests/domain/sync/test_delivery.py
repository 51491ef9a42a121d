"""What waits reaches the cloud, once, and says so here."""

import pytest

from domain.journal import repository as journals
from domain.journal.commands import EventFilter
from domain.journal.models import Severity
from domain.journal.rows import EventRow
from domain.kernel.errors import Conflict, Unavailable, UpstreamFailed
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import Role
from domain.production.commands import CreateBatch, CreatePallet, SetBottleStatus
from domain.production.models import BottleStatus, SentStatus
from domain.sync.models import ConnectionMode
from domain.sync.rows import SyncOutcome
from drivers.cloud.simulator import RunningCloud
from drivers.cloud.simulator.faults import DropPoint
from graph.production import resolvers as production
from graph.sync import resolvers
from tests.support.edges import Edge


async def figures_agree(edge: Edge) -> int:
    """The queue's size, after asking everybody who shows it, and a process that starts anew."""
    sizes = {
        (await resolvers.sync_status(edge.context())).queue_size,
        (await resolvers.connection_status(edge.context())).queue_size,
        (await resolvers.sync_status(edge.restarted().context())).queue_size,
    }
    assert len(sizes) == 1
    return sizes.pop()


async def journal(edge: Edge, severity: Severity) -> list[EventRow]:
    wanted = EventFilter(severity=severity, category="SYNC")
    async with edge.database.read() as session:
        page = await journals.events_page(session, edge.customer_id, wanted, PageRequest(500))
    return list(page.rows)


async def journal_mentions(edge: Edge, word: str) -> bool:
    found = await journal(edge, Severity.WARNING)
    return any(word in f"{entry.message} {entry.data}" for entry in found)


async def test_the_story_end_to_end(edge: Edge, cloud: RunningCloud) -> None:
    await edge.provision()
    made = await edge.scan(5)
    await edge.read(made[0].identifier)  # a duplicate is no item
    await edge.read("nonsense")
    assert await figures_agree(edge) == 5
    batch = await production.create_batch(
        edge.context(), CreateBatch.of(bottle_ids=tuple(row.id for row in made[:3]))
    )
    await production.complete_batch(edge.context(), batch.id)
    pallet = await production.create_pallet(edge.context(), CreatePallet.of(batch_ids=(batch.id,)))
    waiting = await figures_agree(edge)
    outcome = await resolvers.sync_now(edge.context())
    assert outcome == SyncOutcome(waiting, 0, 0)
    assert await figures_agree(edge) == 0
    assert set(cloud.state.bottles) == {row.id for row in made}
    assert cloud.state.bottles[made[0].id].batch_id == batch.id
    assert cloud.state.batches[batch.id].pallet_id == pallet.id
    assert cloud.state.batches[batch.id].status == "complete"
    assert cloud.state.pallets[pallet.id].sscc == pallet.sscc
    rows = await edge.rows([row.id for row in made])
    assert {row.status for row in rows.values()} == {BottleStatus.SYNCED}
    assert rows[made[0].id].batch_id == batch.id
    found = await production.batch(edge.context(), batch.id)
    assert found is not None
    assert found.sent_status is SentStatus.SYNCED
    status = await resolvers.sync_status(edge.context())
    assert status.connected
    assert status.oldest_item_at_us is None
    assert status.last_sync_at_us is not None
    calls = len(cloud.state.calls)
    assert await resolvers.sync_now(edge.context()) == SyncOutcome(0, 0, 0)
    assert len(cloud.state.calls) == calls  # marking queued nothing again


async def test_withdrawn_bottles_keep_their_status(edge: Edge, cloud: RunningCloud) -> None:
    await edge.provision()
    rejected, deleted, late = await edge.scan(3)
    for row, status in ((rejected, BottleStatus.REJECTED), (deleted, BottleStatus.DELETED)):
        command = SetBottleStatus.of(bottle_id=row.id, status=status)
        await production.set_bottle_status(edge.context(), command)
    await resolvers.sync_now(edge.context())
    command = SetBottleStatus.of(bottle_id=late.id, status=BottleStatus.REJECTED)
    await production.set_bottle_status(edge.context(), command)
    assert await figures_agree(edge) == 1
    await resolvers.sync_now(edge.context())
    wanted = {rejected.id: 4, deleted.id: 5, late.id: 4}
    assert {key: state.status for key, state in cloud.state.bottles.items()} == wanted
    assert {key: row.status for key, row in (await edge.rows(list(wanted))).items()} == wanted


async def test_a_synced_bottle_that_is_packed_goes_again(edge: Edge, cloud: RunningCloud) -> None:
    await edge.provision()
    (row,) = await edge.scan(1)
    await resolvers.sync_now(edge.context())
    batch = await production.create_batch(edge.context(), CreateBatch.of(bottle_ids=(row.id,)))
    await resolvers.sync_now(edge.context())
    assert cloud.state.bottles[row.id].batch_id == batch.id
    assert (await edge.rows([row.id]))[row.id].status == BottleStatus.SYNCED
    await production.disaggregate(edge.context(Role.ADMIN), batch.id)
    await resolvers.sync_now(edge.context())
    assert cloud.state.bottles[row.id].batch_id is None
    assert cloud.state.batches[batch.id].status == "disaggregated"


async def test_what_the_cloud_refuses_leaves_the_queue_with_its_reason(
    edge: Edge, cloud: RunningCloud
) -> None:
    await edge.provision()
    good, bad = await edge.scan(2)
    cloud.state.faults.reject(bad.id, reason="NOT_ORDERED")
    assert await resolvers.sync_now(edge.context()) == SyncOutcome(1, 1, 0)
    assert set(cloud.state.bottles) == {good.id}
    (entry,) = await journal(edge, Severity.WARNING)
    assert entry.data is not None
    assert "NOT_ORDERED" in entry.data
    assert bad.id in entry.data
    assert await resolvers.sync_now(edge.context()) == SyncOutcome(0, 0, 0)
    cloud.state.faults.clear()
    command = SetBottleStatus.of(bottle_id=bad.id, status=BottleStatus.REJECTED)
    await production.set_bottle_status(edge.context(), command)
    assert await resolvers.sync_now(edge.context()) == SyncOutcome(1, 0, 0)
    assert cloud.state.bottles[bad.id].status == BottleStatus.REJECTED


async def test_upstream_down_and_back(edge: Edge, cloud: RunningCloud) -> None:
    await edge.provision()
    made = await edge.scan(3)
    cloud.state.faults.fail_next(6)
    for failures in (1, 2):
        with pytest.raises(UpstreamFailed):
            await resolvers.sync_now(edge.context())
        status = await resolvers.sync_status(edge.context())
        assert (status.sync_errors, status.queue_size, status.connected) == (failures, 3, False)
        assert await figures_agree(edge) == 3
    assert len(await journal(edge, Severity.WARNING)) == 1
    assert await resolvers.sync_now(edge.context()) == SyncOutcome(3, 0, 0)
    status = await resolvers.sync_status(edge.context())
    assert (status.sync_errors, status.last_error, status.connected) == (0, None, True)
    messages = [entry.message for entry in await journal(edge, Severity.INFO)]
    assert messages.count("The delivery upstream works again") == 1
    assert set(cloud.state.bottles) == {row.id for row in made}


@pytest.mark.parametrize("point", list(DropPoint))
async def test_a_reset_in_the_middle(edge: Edge, cloud: RunningCloud, point: DropPoint) -> None:
    await edge.provision()
    made = await edge.scan(3)
    cloud.state.faults.drop_connection(3, when=point)  # as often as the client tries
    with pytest.raises(UpstreamFailed):
        await resolvers.sync_now(edge.context())
    assert await figures_agree(edge) == 3
    edge = edge.restarted()
    assert await resolvers.sync_now(edge.context()) == SyncOutcome(3, 0, 0)
    assert set(cloud.state.bottles) == {row.id for row in made}
    assert not await journal_mentions(edge, "VERSION_CONFLICT")


async def test_changes_between_two_tries_of_one_page(edge: Edge, cloud: RunningCloud) -> None:
    """The page is sent, its receipt lost, its bottles change, it is sent again."""
    await edge.provision()
    made = await edge.scan(3)
    cloud.state.faults.drop_connection(3, when=DropPoint.AFTER)
    with pytest.raises(UpstreamFailed):
        await resolvers.sync_now(edge.context())
    assert len(cloud.state.bottles) == 3
    batch = await production.create_batch(edge.context(), CreateBatch.of(bottle_ids=(made[0].id,)))
    command = SetBottleStatus.of(bottle_id=made[1].id, status=BottleStatus.DELETED)
    await production.set_bottle_status(edge.context(), command)
    outcome = await resolvers.sync_now(edge.context())
    assert (outcome.failed, outcome.remaining) == (0, 0)
    assert cloud.state.bottles[made[0].id].batch_id == batch.id
    assert cloud.state.bottles[made[1].id].status == BottleStatus.DELETED
    assert (await edge.rows([made[0].id]))[made[0].id].status == BottleStatus.SYNCED


async def test_no_way_upstream_keeps_the_queue(edge: Edge) -> None:
    await edge.scan(2)
    with pytest.raises(Conflict):
        await resolvers.sync_now(edge.context())
    await edge.provision()
    await resolvers.set_connection_mode(edge.context(), ConnectionMode.VIA_LOCAL_SERVER)
    with pytest.raises(Unavailable):
        await resolvers.sync_now(edge.context())
    status = await resolvers.sync_status(edge.context())
    assert (status.queue_size, status.sync_errors, status.connected) == (2, 0, False)
    await resolvers.set_connection_mode(edge.context(), ConnectionMode.DIRECT_CLOUD)
    assert await resolvers.sync_now(edge.context()) == SyncOutcome(2, 0, 0)

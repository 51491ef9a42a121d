"""One pass at a time, cut anywhere, in the background, and over a backlog."""

import asyncio
from random import Random

import pytest

from domain.kernel import eventlog
from domain.kernel.errors import Unavailable, UpstreamFailed
from domain.kernel.paging import PageRequest
from domain.production.commands import (
    BatchFilter,
    CreateBatch,
    CreateBottles,
    NewBottle,
)
from domain.production.models import BottleStatus, SentStatus
from domain.sync.models import ConnectionMode
from domain.sync.repository.queue import reader_name
from domain.sync.rows import SyncOutcome
from domain.sync.worker import SyncSchedule, SyncWorker
from drivers.cloud.simulator import RunningCloud
from drivers.cloud.simulator.faults import DropPoint
from graph.production import resolvers as production
from graph.sync import resolvers
from tests.support.edges import Edge
from tests.support.waiting import until

BACKLOG = 20_000
QUICK = SyncSchedule(interval_s=0.02, jitter=0.5, cap_s=0.05)


async def bulk(edge: Edge, count: int) -> list[str]:
    """As many bottles in one creation; their ids."""
    example = edge.services.scans.codes.example
    made = await production.create_bottles(
        edge.context(),
        CreateBottles(bottles=tuple(NewBottle(identifier=example()) for _ in range(count))),
    )
    return [row.id for row in made]


async def kinds(edge: Edge) -> list[str]:
    async with edge.database.read() as session:
        facts = await eventlog.read_after(session, 0, 100_000)
    return [fact.kind for fact in facts if fact.kind.startswith("sync.")]


async def size(edge: Edge) -> int:
    return (await resolvers.sync_status(edge.context())).queue_size


async def test_callers_share_one_pass(edge: Edge, cloud: RunningCloud) -> None:
    await edge.provision()
    await edge.scan(3)
    before = len(cloud.state.calls)
    outcomes = await asyncio.gather(*(resolvers.sync_now(edge.context()) for _ in range(5)))
    assert outcomes == [SyncOutcome(3, 0, 0)] * 5
    assert len(cloud.state.calls) == before + 1
    assert await kinds(edge) == ["sync.started", "sync.completed"]


async def test_who_joins_gets_what_came_meanwhile(edge: Edge, cloud: RunningCloud) -> None:
    await edge.provision()
    early = await edge.scan(2)
    before = len(cloud.state.calls)
    cloud.state.faults.delay_s = 30
    first = asyncio.create_task(resolvers.sync_now(edge.context()))
    await until(lambda: _called(cloud, before))
    late = await edge.scan(2)
    second = asyncio.create_task(resolvers.sync_now(edge.context()))
    cloud.state.faults.delay_s = 0
    outcomes = [await first, await second]
    assert outcomes[1].remaining == 0
    assert set(cloud.state.bottles) == {row.id for row in early + late}


async def test_a_caller_who_leaves_stops_nobody(edge: Edge, cloud: RunningCloud) -> None:
    await edge.provision()
    await edge.scan(2)
    before = len(cloud.state.calls)
    cloud.state.faults.delay_s = 30
    call = asyncio.create_task(resolvers.sync_now(edge.context()))
    await until(lambda: _called(cloud, before))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    cloud.state.faults.delay_s = 0
    await until(lambda: _is(edge, 0))
    assert len(cloud.state.bottles) == 2


async def test_a_long_pass_answers_early_and_goes_on(edge: Edge, cloud: RunningCloud) -> None:
    await edge.provision()
    await edge.scan(2)
    cloud.state.faults.delay_s = 30
    outcome = await edge.runner.deliver(edge.customer_id, within_s=0.05)
    assert outcome == SyncOutcome(0, 0, 2)
    cloud.state.faults.delay_s = 0
    await until(lambda: _is(edge, 0))


async def test_deprovisioning_ends_a_pass(edge: Edge, cloud: RunningCloud) -> None:
    await edge.provision()
    await edge.scan(2)
    before = len(cloud.state.calls)
    cloud.state.faults.delay_s = 30
    delivery = asyncio.create_task(edge.runner.deliver(edge.customer_id, within_s=20))
    await until(lambda: _called(cloud, before))
    reset = asyncio.create_task(resolvers.deprovision(edge.context()))
    with pytest.raises(Unavailable):
        await delivery
    await until(lambda: _called(cloud, before + 1))
    cloud.state.faults.delay_s = 0
    await reset
    status = await resolvers.sync_status(edge.context())
    assert (status.queue_size, status.sync_errors, status.connected) == (2, 0, False)
    assert not cloud.state.activations


@pytest.mark.parametrize("seed", range(3))
async def test_cut_anywhere_nothing_is_lost_or_doubled(
    edge: Edge, cloud: RunningCloud, seed: int
) -> None:
    """Passes die at random moments while the line goes on; each time the process starts anew."""
    random = Random(seed)
    await edge.provision()
    made: list[str] = []
    for _ in range(25):
        ids = await bulk(edge, random.randint(1, 40))
        made += ids
        if random.random() < 0.5:
            await production.create_batch(edge.context(), CreateBatch.of(bottle_ids=tuple(ids)))
        edge = edge.restarted()
        if random.random() < 0.3:
            cloud.state.faults.drop_connection(3, when=random.choice(list(DropPoint)))
        call = asyncio.create_task(edge.runner.deliver(edge.customer_id, within_s=5))
        await asyncio.wait({call}, timeout=random.uniform(0, 0.06))
        await edge.runner.halt(edge.customer_id)
        await asyncio.wait({call})
        call.exception()
        cloud.state.faults.clear()
    outcome = await edge.runner.deliver(edge.customer_id, within_s=20)
    assert (outcome.failed, outcome.remaining) == (0, 0)
    assert set(cloud.state.bottles) == set(made)
    rows = await edge.rows(made)
    assert {row.status for row in rows.values()} == {BottleStatus.SYNCED}
    for key, state in cloud.state.bottles.items():
        assert state.batch_id == rows[key].batch_id
    codes = [state.identifier for state in cloud.state.bottles.values()]
    assert len(set(codes)) == len(codes)
    batches = await production.list_batches(edge.context(), BatchFilter(), PageRequest(500))
    assert {row.sent_status for row in batches.rows} <= {SentStatus.SYNCED}
    assert set(cloud.state.batches) == {row.id for row in batches.rows}


async def test_the_background_delivers_by_itself(edge: Edge, cloud: RunningCloud) -> None:
    worker = SyncWorker(edge.runner, edge.services.transactions, edge.customer_id, QUICK)
    task = asyncio.create_task(worker.run())
    try:
        await edge.scan(2)
        await edge.provision()
        await until(lambda: _is(edge, 0))
        cloud.state.faults.fail_next(9)
        await edge.scan(3)
        await until(lambda: _is(edge, 0))
        await resolvers.set_connection_mode(edge.context(), ConnectionMode.VIA_LOCAL_SERVER)
        (waits,) = await edge.scan(1)
        assert waits.id not in cloud.state.bottles
        await resolvers.set_connection_mode(edge.context(), ConnectionMode.DIRECT_CLOUD)
        await until(lambda: _is(edge, 0))
        assert len(cloud.state.bottles) == 6
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_activation_wakes_the_background(edge: Edge, cloud: RunningCloud) -> None:
    schedule = SyncSchedule(interval_s=3_600, jitter=0)
    worker = SyncWorker(edge.runner, edge.services.transactions, edge.customer_id, schedule)
    task = asyncio.create_task(worker.run())
    try:
        await edge.scan(2)
        await edge.provision()
        await until(lambda: _is(edge, 0))
        assert len(cloud.state.bottles) == 2
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_an_idle_background_writes_nothing(edge: Edge) -> None:
    await edge.provision()
    await edge.scan(1)
    await edge.runner.deliver_quietly(edge.customer_id)
    await edge.runner.deliver_quietly(edge.customer_id)
    async with edge.database.read() as session:
        before = await eventlog.head(session)
    await edge.runner.deliver_quietly(edge.customer_id)
    async with edge.database.read() as session:
        assert await eventlog.head(session) == before


async def test_trimming_never_passes_the_queue(edge: Edge) -> None:
    await edge.scan(3)
    async with edge.context().transaction() as work:
        floor = await eventlog.trim(work.session, 2**62)
        position = await eventlog.reader_position(work.session, reader_name(edge.customer_id))
    assert floor <= position
    await edge.provision()
    assert (await resolvers.sync_now(edge.context())).synced == 3
    async with edge.context().transaction() as work:
        assert await eventlog.trim(work.session, 2**62) > floor
    assert await size(edge) == 0
    await edge.scan(2)
    assert await size(edge) == await size(edge.restarted()) == 2


async def test_a_failing_pass_tells_what_it_did(edge: Edge, cloud: RunningCloud) -> None:
    await edge.provision()
    await edge.scan(2)
    cloud.state.faults.fail_next(3)
    with pytest.raises(UpstreamFailed):
        await resolvers.sync_now(edge.context())
    async with edge.database.read() as session:
        facts = await eventlog.read_after(session, 0, 1_000)
    (failed,) = [fact.data for fact in facts if fact.kind == "sync.failed"]
    error = failed.pop("error")
    assert failed == {"status": "failed", "synced": 0, "failed": 0, "remaining": 2}
    assert error


async def test_a_backlog_drains(edge: Edge, cloud: RunningCloud) -> None:
    made: list[str] = []
    for _ in range(BACKLOG // 10_000):
        made += await bulk(edge, 10_000)
    assert await size(edge) == BACKLOG
    await edge.provision()
    outcome = await edge.runner.deliver(edge.customer_id, within_s=100)
    assert outcome == SyncOutcome(BACKLOG, 0, 0)
    assert set(cloud.state.bottles) == set(made)
    statuses = [row.status for row in (await edge.rows(made)).values()]
    assert statuses == [BottleStatus.SYNCED] * BACKLOG


async def _called(cloud: RunningCloud, before: int) -> bool:
    return len(cloud.state.calls) > before


async def _is(edge: Edge, wanted: int) -> bool:
    return await size(edge) == wanted

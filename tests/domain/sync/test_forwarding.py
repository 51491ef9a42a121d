"""A factory passes on to the cloud what edges delivered, while it is told to."""

import asyncio
import contextlib
from dataclasses import replace

import pytest

from domain.kernel import eventlog
from domain.kernel.database import ReadSession
from domain.kernel.errors import Conflict
from domain.sync.forwarder import CloudForwarder
from domain.sync.lanes import forward_lane
from domain.sync.passes import SyncRunner
from domain.sync.ports import EntityState, SyncServices
from domain.sync.repository.queue import FORWARD_READER, reader_name
from domain.sync.worker import SyncSchedule
from drivers.cloud.simulator import RunningCloud
from graph.sync import resolvers
from tests.support.deliveries import AT, batch, bottle, item_id, pallet
from tests.support.edges import Edge
from tests.support.factories import Factory
from tests.support.waiting import until

QUICK = SyncSchedule(interval_s=0.02, jitter=0.5, cap_s=0.05)


class Setting:
    def __init__(self) -> None:
        self.on = True

    async def is_on(self, _session: ReadSession, _customer_id: int) -> bool:
        return self.on


@pytest.fixture
def setting() -> Setting:
    return Setting()


@pytest.fixture
async def here(edge: Edge, setting: Setting) -> Edge:
    """The same installation as a factory: its queue goes on to the cloud."""
    old, transactions = edge.services.sync, edge.services.transactions
    runner = SyncRunner(transactions, old.cloud, old.secrets, lane=forward_lane(setting))
    await runner.begin(edge.customer_id)
    sync = SyncServices(old.cloud, old.secrets, runner)
    return replace(edge, services=replace(edge.services, sync=sync))


def intake_of(here: Edge) -> Factory:
    return Factory(here.database, here.services.transactions, here.customer_id)


async def reads(here: Edge) -> bool:
    name = reader_name(here.customer_id, FORWARD_READER)
    async with here.database.read() as session:
        return await eventlog.has_reader(session, name)


async def test_what_edges_delivered_reaches_the_cloud(here: Edge, cloud: RunningCloud) -> None:
    await here.provision()
    done = batch(1, pallet=1, bottle_count=2, status="complete", completed_at=AT)
    await intake_of(here).take(bottle(1, batch=1), bottle(2, batch=1), done)
    await intake_of(here).take(bottle(3), origin="edge-002")
    assert (await here.runner.status(here.customer_id)).queue_size == 4
    outcome = await resolvers.sync_now(here.context())
    assert (outcome.synced, outcome.failed, outcome.remaining) == (4, 0, 0)
    assert set(cloud.state.bottles) == {item_id(1, number) for number in (1, 2, 3)}
    assert cloud.state.bottles[item_id(1, 1)].batch_id == item_id(2, 1)
    assert cloud.state.batches[item_id(2, 1)].pallet_id is None  # it is not here yet
    await intake_of(here).take(pallet(1))
    await resolvers.sync_now(here.context())
    assert cloud.state.batches[item_id(2, 1)].pallet_id == item_id(3, 1)
    assert set(cloud.state.pallets) == {item_id(3, 1)}


async def test_again_it_has_nothing_to_pass_on(here: Edge, cloud: RunningCloud) -> None:
    await here.provision()
    states: list[EntityState] = [bottle(1), batch(1)]
    await intake_of(here).take(*states)
    await resolvers.sync_now(here.context())
    await intake_of(here).take(*states)
    assert (await here.runner.status(here.customer_id)).queue_size == 0


async def test_switched_off_nothing_is_sent_and_nothing_held(
    here: Edge, cloud: RunningCloud, setting: Setting
) -> None:
    await here.provision()
    forwarder = CloudForwarder(here.runner, here.services.transactions, here.customer_id, QUICK)
    running = asyncio.create_task(forwarder.run())
    try:
        await intake_of(here).take(bottle(1))
        await until(lambda: _has(cloud, 1))
        setting.on = False
        await until(lambda: _no_reader(here))
        await intake_of(here).take(bottle(2))
        with pytest.raises(Conflict):
            await resolvers.sync_now(here.context())
        status = await resolvers.sync_status(here.context())
        assert (status.queue_size, status.connected) == (0, False)
        assert set(cloud.state.bottles) == {item_id(1, 1)}
        setting.on = True
        await until(lambda: _has(cloud, 2))
        assert await reads(here)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def _has(cloud: RunningCloud, count: int) -> bool:
    return len(cloud.state.bottles) == count


async def _no_reader(here: Edge) -> bool:
    return not await reads(here)

"""A queue that nothing is set up to empty is not held for ever; any other one is."""

from typing import Final

import pytest

from domain.journal.commands import ALL
from domain.journal.repository import events_page
from domain.kernel import eventlog
from domain.kernel.errors import UpstreamFailed
from domain.kernel.paging import PageRequest
from domain.kernel.retention import Trimmer
from domain.sync.holding import GIVEN_UP, NAME, QueueHold
from domain.sync.models import ConnectionMode
from domain.sync.repository.queue import reader_name
from drivers.cloud.simulator import RunningCloud
from graph.sync import resolvers
from tests.support.clocks import ManualClock
from tests.support.edges import Edge

DAY_S: Final = 86_400.0
HELD_S: Final = 30 * DAY_S


def holding(edge: Edge) -> Trimmer:
    """Of one process."""
    held = QueueHold(edge.runner, edge.customer_id).retention(HELD_S)
    return Trimmer(edge.services.transactions, [held])


async def size(edge: Edge) -> int:
    return (await resolvers.sync_status(edge.context())).queue_size


async def told(edge: Edge) -> list[str | None]:
    async with edge.database.read() as session:
        page = await events_page(session, edge.customer_id, ALL, PageRequest())
    return [row.data for row in page.rows if row.message == GIVEN_UP]


async def test_what_waits_without_a_way_is_given_up_in_its_time(
    edge: Edge, clock: ManualClock
) -> None:
    alone, trimmer = edge.with_cloud(None), holding(edge.with_cloud(None))
    await alone.scan(70)
    clock.advance(HELD_S - 60)
    await alone.scan(2)
    await trimmer.round()
    assert await size(alone) == 72
    clock.advance(120)
    await trimmer.round()
    assert trimmer.removed[NAME] == 70
    assert await size(alone) == await size(alone.restarted()) == 2
    async with edge.context().transaction() as work:
        position = await eventlog.reader_position(work.session, reader_name(edge.customer_id))
        assert await eventlog.trim(work.session, clock.now_us()) == position, "the log may go"


async def test_the_journal_hears_of_it_once(edge: Edge, clock: ManualClock) -> None:
    alone = edge.with_cloud(None)
    trimmer = holding(alone)
    for _ in range(3):
        await alone.scan(1)
        clock.advance(HELD_S + 60)
        await trimmer.round()
    assert trimmer.removed[NAME] == 3
    assert len(await told(alone)) == 1
    await holding(alone).round()
    assert len(await told(alone)) == 1, "a start alone is no news"


async def test_what_a_way_is_set_up_for_waits_without_end(
    edge: Edge, cloud: RunningCloud, clock: ManualClock
) -> None:
    """The cloud is away for a year: nothing is lost to an outage."""
    await edge.provision()
    await edge.scan(3)
    cloud.state.faults.fail_next(1_000)
    with pytest.raises(UpstreamFailed):
        await resolvers.sync_now(edge.context())
    trimmer = holding(edge)
    clock.advance(12 * HELD_S)
    await trimmer.round()
    assert trimmer.removed[NAME] == 0
    assert await size(edge) == 3
    assert await told(edge) == []


async def test_a_way_that_is_switched_off_is_one(edge: Edge, clock: ManualClock) -> None:
    """The factory may allow the cloud again."""
    await edge.provision()
    await edge.scan(2)
    edge.runner.cloud_allowed = False
    clock.advance(2 * HELD_S)
    trimmer = holding(edge)
    await trimmer.round()
    assert trimmer.removed[NAME] == 0
    assert await size(edge) == 2


async def test_what_is_left_is_delivered_when_there_is_a_way(
    edge: Edge, cloud: RunningCloud, clock: ManualClock
) -> None:
    old = await edge.scan(2)
    clock.advance(HELD_S + 60)
    young = await edge.scan(3)
    await holding(edge).round()
    await edge.provision()
    assert (await resolvers.sync_now(edge.context())).synced == 3
    assert set(cloud.state.bottles) == {row.id for row in young}
    rows = await edge.rows([row.id for row in [*old, *young]])
    assert len(rows) == 5, "no bottle is ever given up"


async def test_nobody_s_way_is_no_way(edge: Edge, clock: ManualClock) -> None:
    """Provisioned for the cloud, and told to deliver to a factory that it does not have."""
    await edge.provision()
    await edge.scan(2)
    await resolvers.set_connection_mode(edge.context(), ConnectionMode.VIA_LOCAL_SERVER)
    clock.advance(HELD_S + 60)
    trimmer = holding(edge)
    await trimmer.round()
    assert trimmer.removed[NAME] == 2

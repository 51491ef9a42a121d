"""Who says which way an edge delivers, and what an emptied queue leaves."""

from typing import Any

import pytest

from domain.kernel.actor import system_actor
from domain.kernel.errors import Conflict
from domain.sync.models import ConnectionMode
from domain.sync.operations import connection
from domain.sync.repository import queue
from domain.sync.rows import ConnectionRow
from graph.sync import resolvers
from tests.support.edges import Edge
from tests.support.log import facts

DIRECT, LOCAL = ConnectionMode.DIRECT_CLOUD, ConnectionMode.VIA_LOCAL_SERVER


async def followed(edge: Edge, default: ConnectionMode | None, may: bool | None) -> ConnectionRow:
    async with edge.services.transactions.begin(system_actor("t", edge.customer_id)) as work:
        return await connection.follow(work, default, may)


async def ordered(edge: Edge, mode: ConnectionMode) -> ConnectionRow:
    async with edge.services.transactions.begin(system_actor("t", edge.customer_id)) as work:
        return await connection.order_mode(work, mode)


async def chosen(edge: Edge, mode: ConnectionMode) -> ConnectionRow:
    return await resolvers.set_connection_mode(edge.context(), mode)


async def changes(edge: Edge) -> list[Any]:
    rows = await facts(edge.database, "sync")
    return [row.data["mode"] for row in rows if row.kind == "connection.mode_changed"]


async def test_the_default_holds_until_somebody_chooses(edge: Edge) -> None:
    assert (await followed(edge, LOCAL, True)).mode is LOCAL
    assert (await followed(edge, DIRECT, None)).mode is DIRECT
    assert (await followed(edge, LOCAL, None)).mode is LOCAL
    assert (await chosen(edge, DIRECT)).mode is DIRECT
    assert (await followed(edge, LOCAL, True)).mode is DIRECT
    assert await changes(edge) == [str(LOCAL), str(DIRECT), str(LOCAL), str(DIRECT)]


async def test_where_none_may_choose_the_factory_s_word_holds(edge: Edge) -> None:
    await chosen(edge, LOCAL)
    fixed = await followed(edge, DIRECT, False)
    assert (fixed.mode, fixed.allow_switch) == (DIRECT, False)
    with pytest.raises(Conflict):
        await chosen(edge, LOCAL)
    assert (await resolvers.connection_mode(edge.context())) == fixed
    assert (await ordered(edge, LOCAL)).mode is LOCAL
    assert (await followed(edge, DIRECT, None)).mode is DIRECT
    free = await followed(edge, None, True)
    assert (free.mode, free.allow_switch) == (DIRECT, True)


async def test_what_was_chosen_as_it_was_stays_chosen(edge: Edge) -> None:
    assert (await chosen(edge, DIRECT)).chosen
    assert (await followed(edge, LOCAL, True)).mode is DIRECT


async def test_an_emptied_queue_is_empty_and_fills_again(edge: Edge) -> None:
    actor = system_actor("factory", edge.customer_id)
    assert await edge.runner.clear(actor, None) == 0
    await edge.scan(3)
    assert await edge.runner.clear(actor, "a test run") == 3
    await edge.scan(2)
    for one in (edge, edge.restarted()):
        status = await resolvers.sync_status(one.context())
        assert (status.queue_size, status.sync_errors) == (2, 0)
    await edge.provision()
    assert (await resolvers.sync_now(edge.context())).synced == 2
    (cleared,) = [
        row.data for row in await facts(edge.database, "sync") if row.kind == "queue.cleared"
    ][1:]
    assert cleared == {"count": 3, "by": "factory", "reason": "a test run"}


async def test_pages_are_of_the_size_that_is_asked_for(edge: Edge) -> None:
    await edge.scan(5)
    await edge.provision()
    edge.runner.page_items = 2
    outcome = await resolvers.sync_now(edge.context())
    assert (outcome.synced, outcome.remaining) == (5, 0)
    sent = [row for row in await facts(edge.database, "sync") if row.kind == "items.sent"]
    assert [len(row.data["bottle_ids"]) for row in sent] == [2, 2, 1]
    async with edge.database.read() as session:
        state = await queue.state(session, edge.customer_id, edge.runner.lane.reader)
    assert state.waiting == 0


async def test_the_cloud_is_left_alone_while_it_is_not_allowed(edge: Edge) -> None:
    await edge.scan(1)
    await edge.provision()
    edge.runner.cloud_allowed = False
    assert not await edge.runner.is_ready(edge.customer_id)
    assert not (await resolvers.connection_status(edge.context())).connected
    with pytest.raises(Conflict, match="switched"):
        await resolvers.sync_now(edge.context())
    assert (await resolvers.sync_status(edge.context())).queue_size == 1
    edge.runner.cloud_allowed = True
    assert (await resolvers.sync_now(edge.context())).synced == 1

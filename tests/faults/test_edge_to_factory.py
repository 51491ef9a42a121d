"""A link that stalls, resets and halves between an edge and its factory, while the line goes on:
at the end both hold the same, and nothing waits."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from domain.production.commands import CreateBatch, CreatePallet, SetBottleStatus
from domain.production.models import BottleStatus
from domain.sync.events import FAILED
from drivers.factory.sync_target import HttpFactory
from graph.production import resolvers as production
from tests.support.cloud import FAST
from tests.support.databases import SqliteFiles
from tests.support.edges import Edge
from tests.support.factories import EDGE, Factory
from tests.support.factory_server import served, token
from tests.support.holdings import held
from tests.support.linked_edges import linked_edge
from tests.support.log import facts
from tests.support.proxy import Trouble, bad_weather, proxied
from tests.support.waiting import until

ROUNDS = 12
# For a busy machine: none of the weather's troubles lasts nearly as long.
ANSWER_S = 1.0
PATIENCE_S = 60.0


async def first_failure(edge: Edge) -> None:
    """Of a pass that had something to deliver, in the edge's journal."""

    async def failed() -> bool:
        return any(fact.kind == FAILED for fact in await facts(edge.database, "sync"))

    await edge.scan(1)
    await until(failed, PATIENCE_S)


async def produce(edge: Edge, random: Random) -> None:
    """Bottles, batches, pallets, rejects, and pallets taken apart again."""
    complete: list[str] = []
    for number in range(ROUNDS):
        rows = await edge.scan(random.randrange(2, 9))
        ids = tuple(row.id for row in rows[:-1])
        batch = await production.create_batch(edge.context(), CreateBatch.of(bottle_ids=ids))
        if random.random() < 0.7:
            await production.complete_batch(edge.context(), batch.id)
            complete.append(batch.id)
        rejected = SetBottleStatus.of(bottle_id=rows[-1].id, status=BottleStatus.REJECTED)
        await production.set_bottle_status(edge.context(), rejected)
        if len(complete) >= 3:
            command = CreatePallet.of(batch_ids=tuple(complete))
            pallet = await production.create_pallet(edge.context(), command)
            complete.clear()
            if number % 2:
                await production.disaggregate(edge.context(), pallet.id)
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("seed", [1, 2])
async def test_both_hold_the_same_at_the_end(
    factory: Factory, sqlite_files: SqliteFiles, tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    async with (
        served(factory) as server,
        proxied(server.port) as proxy,
        HttpFactory(proxy.url, EDGE, token, timeout_s=ANSWER_S, retry=FAST) as target,
        linked_edge(sqlite_files, tmp_path, target) as linked,
    ):
        # Chance may have it that the weather breaks no pass: this one is broken for certain.
        proxy.set(Trouble.REFUSE)
        await first_failure(linked.edge)
        weather = asyncio.create_task(bad_weather(proxy, Random(seed)))
        await produce(linked.edge, random)
        weather.cancel()
        await asyncio.wait({weather})
        proxy.set(Trouble.NONE)
        await linked.drained(PATIENCE_S)
        mine = await held(linked.edge.database, linked.customer_id)
    theirs = await held(factory.database, factory.customer_id)
    assert len(mine["Bottle"]) > ROUNDS * 2
    assert mine["Pallet"]
    assert theirs == mine
    assert not [one for receipt in factory.receipts for one in receipt.rejected]

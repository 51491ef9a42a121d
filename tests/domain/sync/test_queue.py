"""The queue's figures: exact for every kind of fact, and cheap to ask again."""

from typing import Any

import pytest
from sqlalchemy import event, text

from domain.kernel import eventlog
from domain.kernel.database import Database
from domain.production.commands import CreateBottles, NewBottle
from domain.sync.queue import UNKEPT_FACTS, QueueCounter
from domain.sync.repository import connection
from domain.sync.rows import QueueFact
from domain.sync.rules import PAGE_ITEMS, page_of
from graph.production import resolvers as production
from graph.sync import resolvers
from tests.support.clocks import ManualClock
from tests.support.databases import new_customer
from tests.support.edges import Edge


async def test_the_oldest_item_is_the_first_that_waits(edge: Edge, clock: ManualClock) -> None:
    assert (await resolvers.sync_status(edge.context())).oldest_item_at_us is None
    await edge.read("not a code")
    clock.advance(10)
    first = clock.now_us()
    (row,) = await edge.scan(1)
    clock.advance(10)
    await edge.scan(1)
    await edge.read(row.identifier)
    status = await resolvers.sync_status(edge.context())
    assert (status.queue_size, status.oldest_item_at_us) == (2, first)
    await edge.provision()
    await resolvers.sync_now(edge.context())
    clock.advance(10)
    await edge.scan(1)
    status = await resolvers.sync_status(edge.context())
    assert (status.queue_size, status.oldest_item_at_us) == (1, clock.now_us())
    assert status.last_sync_at_us == clock.now_us() - 10_000_000


async def test_a_text_that_looks_like_a_fact_is_no_item(edge: Edge) -> None:
    for code in ('"duplicate":false,"bottle":{"id":"x"}', "\x00", "\x1d", "'; --", "п"):
        await edge.read(code)
    assert (await resolvers.sync_status(edge.context())).queue_size == 0
    assert (await resolvers.sync_status(edge.restarted().context())).queue_size == 0


async def test_another_customers_bottles_are_not_ours(edge: Edge, database: Database) -> None:
    other = Edge(await new_customer(database, "Dairy Two"), edge.services)
    await other.scan(3)
    (mine,) = await edge.scan(1)
    assert (await resolvers.sync_status(edge.context())).queue_size == 1
    assert (await resolvers.sync_status(other.context())).queue_size == 3
    await edge.provision()
    assert (await resolvers.sync_now(edge.context())).synced == 1
    assert (await resolvers.sync_status(other.context())).queue_size == 3
    assert (await edge.rows([mine.id]))[mine.id].status == 3


async def test_asking_again_reads_only_what_is_new(edge: Edge) -> None:
    """Every count begins where the one before it ended."""
    counter, counted_from = QueueCounter(), []
    engine = edge.database.engine.sync_engine

    def note(_connection: object, _cursor: object, sql: str, values: Any, *_: object) -> None:
        if "MAX(seq)" in sql and "SUM" in sql:
            counted_from.append(max(values))

    event.listen(engine, "before_cursor_execute", note)
    try:
        for size in (5, 10, 10):
            if len(counted_from) < 4:
                await edge.scan(5)
            async with edge.database.read() as session:
                assert (await counter.figures(session, edge.customer_id)).size == size
            async with edge.database.read() as session:
                counted_from.append(-await eventlog.head(session))
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert counted_from[2] == -counted_from[1]
    assert counted_from[4] == -counted_from[3]


async def test_a_long_backlog_is_counted_once(edge: Edge) -> None:
    """The stored count is where a new process begins."""
    example = edge.services.scans.codes.example
    await production.create_bottles(
        edge.context(), CreateBottles(bottles=(NewBottle(identifier=example()),))
    )
    async with edge.database.engine.begin() as raw:
        await raw.execute(
            text(
                "INSERT INTO event_log (customer_id, stream, kind, key, payload, occurred_at_us) "
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many) "
                "SELECT :customer, 'production', 'bottle.status_changed', 'x', '{}', 1 FROM n"
            ),
            {"many": UNKEPT_FACTS, "customer": edge.customer_id},
        )
    queue = edge.runner.queue
    async with edge.database.read() as session:
        assert await queue.is_worth_keeping(session, edge.customer_id)
    async with edge.services.transactions.begin(edge.context().actor) as work:
        assert await queue.keep(work) == UNKEPT_FACTS + 1
    async with edge.database.read() as session:
        assert not await queue.is_worth_keeping(session, edge.customer_id)
        stored = await connection.connection(session, edge.customer_id)
    assert stored.waiting == UNKEPT_FACTS + 1
    assert (await resolvers.sync_status(edge.restarted().context())).queue_size == stored.waiting


def changed(seq: int) -> QueueFact:
    return QueueFact(seq, "bottle.status_changed", f"bottle-{seq}", "{}", 1)


@pytest.mark.parametrize(
    ("count", "asked", "end", "weight"),
    [(0, 10, 99, 0), (3, 10, 99, 3), (10, 10, 10, 10), (PAGE_ITEMS + 5, 9_999, PAGE_ITEMS, 1_000)],
)
def test_where_a_page_ends(count: int, asked: int, end: int, weight: int) -> None:
    page = page_of(0, 99, [changed(seq) for seq in range(1, count + 1)], asked)
    assert (page.start, page.end, page.weight) == (0, end, weight)
    assert len(page.bottle_ids) == weight

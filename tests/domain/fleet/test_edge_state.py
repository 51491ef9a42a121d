"""What an edge keeps of what its factory told it."""

from contextlib import AbstractAsyncContextManager

import pytest

from domain.fleet.operations import edge
from domain.fleet.repository.edge import state
from domain.fleet.rows import EdgeStateRow
from domain.kernel.actor import system_actor
from domain.kernel.database import Database
from domain.kernel.errors import ValidationFailed
from domain.kernel.uow import Transactions, UnitOfWork
from tests.support.clocks import START_US
from tests.support.log import facts


def begin(transactions: Transactions, customer_id: int) -> AbstractAsyncContextManager[UnitOfWork]:
    return transactions.begin(system_actor("factory", customer_id))


async def test_it_is_kept_and_again_is_no_change(
    database: Database, transactions: Transactions, customer_id: int
) -> None:
    async with database.read() as session:
        assert await state(session, customer_id) == EdgeStateRow()
    async with begin(transactions, customer_id) as work:
        await edge.configured(work, 3, {"b": 1, "a": [2]}, ["packSize"])
    for _ in range(2):
        async with begin(transactions, customer_id) as work:
            await edge.switch(work, False, "recall")
            await edge.allow_cloud(work, False)
    async with database.read() as session:
        found = await state(session, customer_id)
    assert found == EdgeStateRow(3, '{"a":[2],"b":1}', False, False, "recall", START_US)
    async with begin(transactions, customer_id) as work:
        assert (await edge.switch(work, True, None)).disabled_reason is None
    kinds = [row.kind for row in await facts(database, "fleet")]
    assert kinds == ["edge.configured", "edge.disabled", "edge.enabled"]
    messages = [row.data["message"] for row in await facts(database, "journal")]
    assert messages == [
        "Configuration 3 of the factory: packSize",
        "This edge is disabled: reads are kept and make no bottles",
        "The factory has switched deliveries to the cloud off",
        "This edge is enabled",
    ]


async def test_a_document_without_end_is_refused(
    database: Database, transactions: Transactions, customer_id: int
) -> None:
    with pytest.raises(ValidationFailed):
        async with begin(transactions, customer_id) as work:
            await edge.configured(work, 1, {"much": "x" * 70_000}, [])
    async with database.read() as session:
        assert await state(session, customer_id) == EdgeStateRow()

"""Overrides: stored by key, changed whole or not at all."""

import pytest

from domain.kernel.actor import system_actor
from domain.kernel.database import Database
from domain.kernel.errors import Conflict, ValidationFailed
from domain.kernel.uow import Transactions
from domain.line import repository
from domain.line.commands import MAX_OVERRIDES, ChangeOverrides
from domain.line.operations import overrides
from domain.line.rows import OverrideRow
from tests.support.clocks import START_US
from tests.support.databases import new_customer
from tests.support.log import facts


async def test_by_key_with_and_without_the_prefix(
    database: Database, transactions: Transactions, customer_id: int
) -> None:
    other = await new_customer(database, "Dairy Two")
    async with transactions.begin(system_actor("line", customer_id)) as work:
        given = {"l2.override.b": "2", "a": "1"}
        found = await overrides.change(work, ChangeOverrides.of(set=given, actor="maria"))
        assert list(found) == ["l2.override.a", "l2.override.b"]
    async with transactions.begin(system_actor("line", customer_id)) as work:
        again = ChangeOverrides.of(set={"a": "1", "c": "3"}, unset=("b", "nothing"))
        await overrides.change(work, again)
    async with database.read() as session:
        assert await repository.overrides(session, other) == {}
        stored = await repository.overrides(session, customer_id)
    assert stored == {
        "l2.override.a": OverrideRow("l2.override.a", "1", "maria", START_US),
        "l2.override.c": OverrideRow("l2.override.c", "3", "line", START_US),
    }
    async with transactions.begin(system_actor("line", customer_id)) as work:
        assert await overrides.clear(work) == 2
        assert await overrides.clear(work) == 0
    told = [(row.kind, row.key[-1]) for row in await facts(database, "line")]
    assert told == [
        ("override.set", "b"),
        ("override.set", "a"),
        ("override.set", "c"),
        ("override.removed", "b"),
        ("override.removed", "a"),
        ("override.removed", "c"),
    ]


async def test_too_many_change_nothing(
    database: Database, transactions: Transactions, customer_id: int
) -> None:
    many = {f"key-{number}": "1" for number in range(MAX_OVERRIDES)}

    async def set_all() -> None:
        async with transactions.begin(system_actor("line", customer_id)) as work:
            await overrides.change(work, ChangeOverrides.of(set={"one": "1"}))
            await overrides.change(work, ChangeOverrides.of(set=many))

    with pytest.raises(Conflict):
        await set_all()
    async with database.read() as session:
        assert await repository.overrides(session, customer_id) == {}


@pytest.mark.parametrize("key", ["", " ", "a b", "a/b", "x" * 101, "ä", "a\0"])
def test_keys_that_are_none(key: str) -> None:
    with pytest.raises(ValidationFailed):
        ChangeOverrides.of(set={key: "1"})
    with pytest.raises(ValidationFailed):
        ChangeOverrides.of(unset=(key,))

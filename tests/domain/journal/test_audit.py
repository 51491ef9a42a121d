"""The audit holds every write of a caller, and a cut in it shows."""

from sqlalchemy import delete, update

from domain.journal import audit
from domain.kernel.actor import Actor, ActorKind, system_actor
from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import ROLE_PERMISSIONS, Role
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from tests.support.databases import TailWakeUps, new_customer

PAGE = PageRequest(50)


async def _audited(database: Database, tail: LogTail) -> tuple[Transactions, Actor]:
    customer_id = await new_customer(database, "Audited")
    transactions = Transactions(database, SystemClock(), TailWakeUps(tail), [audit.witness])
    permissions = ROLE_PERMISSIONS[Role.MANAGER]
    return transactions, Actor(ActorKind.USER, customer_id, "a" * 32, "maria", permissions)


async def _write(transactions: Transactions, actor: Actor, *keys: str) -> None:
    async with transactions.begin(actor) as work:
        for key in keys:
            work.record("test", "thing.renamed", key, before={"name": "old"}, name="new")


async def test_each_fact_of_a_caller_is_an_entry(database: Database, tail: LogTail) -> None:
    transactions, actor = await _audited(database, tail)
    await _write(transactions, actor, "one", "two")
    async with database.read() as session:
        page = await audit.entries(session, actor.customer_id, audit.AuditFilter(), PAGE)
        of_two = audit.AuditFilter(entity_id="two")
        found = await audit.entries(session, actor.customer_id, of_two, PAGE)
    assert [row.entity_id for row in page.rows] == ["two", "one"]
    [row] = found.rows
    assert (row.actor_name, row.action, row.entity_type) == ("maria", "thing.renamed", "thing")
    assert (row.before, row.after) == ('{"name":"old"}', '{"name":"new"}')


async def test_the_platform_itself_is_not_audited(database: Database, tail: LogTail) -> None:
    transactions, actor = await _audited(database, tail)
    await _write(transactions, system_actor("packer", actor.customer_id), "one")
    async with database.read() as session:
        assert await audit.count(session, actor.customer_id, audit.AuditFilter()) == 0


async def test_what_is_rolled_back_leaves_no_entry(database: Database, tail: LogTail) -> None:
    transactions, actor = await _audited(database, tail)
    try:
        async with transactions.begin(actor) as work:
            work.record("test", "thing.renamed", "one")
            raise LookupError
    except LookupError:
        pass
    async with database.read() as session:
        assert await audit.count(session, actor.customer_id, audit.AuditFilter()) == 0


async def test_a_cut_and_a_change_show(database: Database, tail: LogTail) -> None:
    transactions, actor = await _audited(database, tail)
    for number in range(5):
        await _write(transactions, actor, f"key-{number}")
    async with database.read() as session:
        assert await audit.first_break(session, actor.customer_id) is None
        page = await audit.entries(session, actor.customer_id, audit.AuditFilter(), PAGE)
    fourth, third = page.rows[1], page.rows[2]
    async with database.engine.begin() as connection:
        await connection.execute(delete(audit.AUDIT).where(audit.AUDIT.c.id == third.id))
    async with database.read() as session:
        assert await audit.first_break(session, actor.customer_id) == fourth.id
    async with database.engine.begin() as connection:
        first = page.rows[4]
        changed = update(audit.AUDIT).where(audit.AUDIT.c.id == first.id)
        await connection.execute(changed.values(actor_name="nobody"))
    async with database.read() as session:
        assert await audit.first_break(session, actor.customer_id) == first.id

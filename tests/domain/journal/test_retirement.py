"""Old entries of the audit go; the rest verifies, and any other cut still shows."""

from typing import Final

import orjson
from sqlalchemy import delete, select, update

from domain.journal import audit
from domain.journal.audit import AUDIT, RETIRED
from domain.journal.retirement import DAY_US, retire
from domain.kernel.actor import Actor, ActorKind, system_actor
from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from domain.kernel.permissions import ROLE_PERMISSIONS, Role
from domain.kernel.retention import Trimmed
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from tests.support.clocks import ManualClock
from tests.support.databases import TailWakeUps, new_customer

YEAR_US: Final = 365 * DAY_US


class Book:
    """One customer's audit, by a clock that begins where ids do."""

    def __init__(self, database: Database, tail: LogTail, customer_id: int) -> None:
        self.database = database
        self.clock = ManualClock(SystemClock().now_us())
        self.transactions = Transactions(database, self.clock, TailWakeUps(tail), [audit.witness])
        self.customer_id = customer_id
        permissions = ROLE_PERMISSIONS[Role.MANAGER]
        self.actor = Actor(ActorKind.USER, customer_id, "a" * 32, "maria", permissions)

    async def write(self, count: int) -> None:
        for number in range(count):
            async with self.transactions.begin(self.actor) as work:
                work.record("test", "thing.renamed", str(number), name="new")

    async def retire(self, before_us: int, limit: int = 1_000) -> Trimmed:
        async with self.transactions.begin(system_actor("retention", 0)) as work:
            return await retire(work, before_us, limit)

    async def rows(self) -> list[tuple[int, str, str]]:
        query = select(AUDIT.c.seq, AUDIT.c.id, AUDIT.c.action)
        mine = query.where(AUDIT.c.customer_id == self.customer_id).order_by(AUDIT.c.seq)
        async with self.database.read() as session:
            return [tuple(row) for row in await session.execute(mine)]

    async def first_break(self) -> str | None:
        async with self.database.read() as session:
            return await audit.first_break(session, self.customer_id)

    def a_year_later(self) -> int:
        """What was written until now is old by then, what is written from then on is not."""
        self.clock.advance(365 * 86_400)
        return self.clock.now_us() - YEAR_US + 2 * DAY_US


async def book(database: Database, tail: LogTail) -> Book:
    return Book(database, tail, await new_customer(database, "Audited"))


async def test_what_is_left_verifies_at_every_moment(database: Database, tail: LogTail) -> None:
    mine = await book(database, tail)
    await mine.write(10)
    before_us = mine.a_year_later()
    assert await mine.retire(before_us, limit=4) == Trimmed(4, more=True)
    assert await mine.first_break() is None, "half way"
    await mine.write(3)
    assert (await mine.retire(before_us, limit=4)).rows == 4
    assert (await mine.retire(before_us, limit=4)).rows == 2
    left = [action for _, _, action in await mine.rows()]
    assert left == [RETIRED, *["thing.renamed"] * 3]
    assert await mine.first_break() is None
    await mine.write(1)
    assert await mine.first_break() is None


async def test_it_is_told_in_the_chain_once_for_all_of_its_batches(
    database: Database, tail: LogTail
) -> None:
    mine = await book(database, tail)
    await mine.write(5)
    rows = await mine.rows()
    before_us = mine.a_year_later()
    for _ in range(5):
        await mine.retire(before_us, limit=1)
    async with database.read() as session:
        wanted = audit.AuditFilter(action=RETIRED)
        assert await audit.count(session, mine.customer_id, wanted) == 1
        assert (await audit.retired(session, mine.customer_id))[0] == rows[-1][0]


async def test_again_a_year_later(database: Database, tail: LogTail) -> None:
    """The entry of the first time goes with its time; the newer one holds the chain."""
    mine = await book(database, tail)
    for _ in range(2):
        await mine.write(3)
        before_us = mine.a_year_later()
        while (await mine.retire(before_us)).more:
            pass
        assert [action for *_, action in await mine.rows()] == [RETIRED]
        assert await mine.first_break() is None


async def test_nothing_young_goes_and_a_day_s_worth_is_waited_for(
    database: Database, tail: LogTail
) -> None:
    mine = await book(database, tail)
    await mine.write(2)
    now_us = mine.clock.now_us()
    for before_us in (now_us - YEAR_US, now_us, now_us + DAY_US):
        assert await mine.retire(before_us) == Trimmed(0, more=False)
    assert len(await mine.rows()) == 2
    assert (await mine.retire(now_us + DAY_US + 1_000_000)).rows == 2


async def test_each_customer_s_chain_is_its_own(database: Database, tail: LogTail) -> None:
    one, other = await book(database, tail), await book(database, tail)
    await one.write(2)
    await other.write(2)
    removed, before_us = 0, one.a_year_later()
    while (done := await one.retire(before_us)).more:
        removed += done.rows
    assert removed == 4
    for each in (one, other):
        assert [action for *_, action in await each.rows()] == [RETIRED]
        assert await each.first_break() is None


async def test_any_other_cut_shows(database: Database, tail: LogTail) -> None:
    mine = await book(database, tail)
    await mine.write(4)
    await mine.retire(mine.a_year_later())
    await mine.write(3)
    retirement, first, second, _ = await mine.rows()
    async with database.engine.begin() as connection:
        await connection.execute(delete(AUDIT).where(AUDIT.c.seq == first[0]))
    assert await mine.first_break() == second[1], "an entry behind it is gone"
    async with database.engine.begin() as connection:
        told = await connection.scalar(select(AUDIT.c.after).where(AUDIT.c.seq == retirement[0]))
        assert told is not None
        lie = orjson.dumps(orjson.loads(told) | {"hash": "0" * 64}).decode()
        changed = update(AUDIT).where(AUDIT.c.seq == retirement[0])
        await connection.execute(changed.values(after=lie))
    assert await mine.first_break() == retirement[1], "what it names is not what was there"

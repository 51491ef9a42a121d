"""The journal on a real database, called as a face calls it."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from domain.identity.ports import IdentityServices
from domain.journal import operations
from domain.journal.models import SCANNER
from domain.journal.rows import EventRow
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.database import Database
from domain.kernel.ids import new_id
from domain.kernel.permissions import ROLE_PERMISSIONS, Role
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from graph.context import Context, Services
from tests.support.contexts import context_of, services_of
from tests.support.databases import new_customer
from tests.support.log import facts

ABSENT: Any = None
Acting = Callable[..., Context]


@pytest.fixture
def services(database: Database, transactions: Transactions, tail: LogTail) -> Services:
    identity = IdentityServices(ABSENT, ABSENT, ABSENT, ABSENT)
    return services_of(database, transactions, tail, identity)


def actor(customer_id: int, role: Role = Role.OPERATOR, name: str = "ann") -> Actor:
    return Actor(ActorKind.USER, customer_id, new_id(), name, ROLE_PERMISSIONS[role], role)


@pytest.fixture
def acting(services: Services, customer_id: int) -> Acting:
    """A context of somebody of the same customer."""
    return lambda **changes: context_of(services, actor(customer_id, **changes))


@pytest.fixture
def ann(acting: Acting) -> Context:
    return acting()


@pytest.fixture
async def stranger(services: Services, database: Database, customer_id: int) -> Context:
    """Another customer's administrator."""
    other = await new_customer(database, "Dairy Two")
    return context_of(services, actor(other, Role.ADMIN, "eve"))


async def record(context: Context, message: str = "a note", **changes: Any) -> EventRow:
    async with context.transaction() as work:
        return await operations.record(
            work, message, **{"category": SCANNER, "source": "scanner-0"} | changes
        )


async def record_many(context: Context, count: int) -> None:
    async with context.transaction() as work:
        for number in range(count):
            await operations.record(work, f"event {number}", category=SCANNER, source="s")


async def everything(context: Context) -> tuple[Any, ...]:
    """The journal's rows and facts, to tell that nothing changed."""
    database = context.services.database
    async with database.read() as session:
        rows = (await session.execute(text("SELECT * FROM journal_event ORDER BY id"))).all()
    return rows, await facts(database, "journal")

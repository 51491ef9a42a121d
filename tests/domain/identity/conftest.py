"""Identity on a real database with its real services."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.identity import operations
from domain.identity.commands import CreateUser
from domain.identity.oauth.ports import OAuthRefused
from domain.identity.rows import UserRow
from domain.journal import repository as journal
from domain.journal.commands import ALL
from domain.kernel.actor import ANONYMOUS, Actor, system_actor
from domain.kernel.database import Database
from domain.kernel.errors import Unauthorized
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import Role
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from graph.context import Context, Services
from graph.identity import resolvers
from tests.support.clocks import ManualClock
from tests.support.contexts import IdentityPeers, context_of, identity_peers, services_of
from tests.support.oauth import Program, program


@dataclass(frozen=True, slots=True)
class House:
    """One running installation, as far as identity goes."""

    database: Database
    transactions: Transactions
    tail: LogTail
    clock: ManualClock
    peers: IdentityPeers
    services: Services
    customer_id: int

    @property
    def system(self) -> Actor:
        return system_actor("test", self.customer_id)

    def context(self, who: Actor | UserRow = ANONYMOUS) -> Context:
        return context_of(self.services, who)

    async def user(self, name: str, role: Role = Role.OPERATOR) -> UserRow:
        """Whose password is `long enough`."""
        password = "long enough"
        command = CreateUser.of(username=name, password=password, role=role)
        password_hash = await self.peers.passwords.hash(password)
        async with self.transactions.begin(self.system) as work:
            return await operations.create_user(work, command, password_hash)


@pytest.fixture
async def house(
    database: Database,
    transactions: Transactions,
    tail: LogTail,
    clock: ManualClock,
    customer_id: int,
    tmp_path: Path,
) -> AsyncIterator[House]:
    peers = identity_peers(transactions, clock, tmp_path)
    stop = peers.tokens.follow(tail)
    services = services_of(database, transactions, tail, peers.bundle())
    yield House(database, transactions, tail, clock, peers, services, customer_id)
    stop()
    await peers.close()


@pytest.fixture
async def client(house: House) -> Program:
    return await program(house.transactions, house.peers, house.customer_id)


async def refused(house: House, client: Program, **form: str) -> str:
    """The error's code."""
    with pytest.raises(OAuthRefused) as caught:
        await resolvers.issue_tokens(house.context(), client.request(**form))
    return caught.value.error


async def dead(house: House, token: str) -> None:
    with pytest.raises(Unauthorized):
        await house.peers.tokens.actor(token)


async def warnings(house: House) -> list[str]:
    async with house.database.read() as session:
        page = await journal.events_page(session, house.customer_id, ALL, PageRequest())
    return [row.message for row in page.rows]

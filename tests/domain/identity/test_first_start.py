"""The first start: one customer, one administrator, or the demo's accounts, whoever races."""

import asyncio
from pathlib import Path

import pytest

from domain.identity import operations, repository
from domain.identity.operations import FirstAdmin
from domain.identity.rows import CustomerRow
from domain.identity.rules import DEMO_ACCOUNTS
from domain.kernel.actor import system_actor
from domain.kernel.database import Database
from domain.kernel.errors import Unauthorized
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import Role
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions
from drivers.identity.passwords import Argon2Passwords
from graph.identity import resolvers
from tests.domain.identity.conftest import House
from tests.support.clocks import ManualClock
from tests.support.databases import TailWakeUps

HERE = "192.0.2.7"


async def admin_of(house: House) -> FirstAdmin | None:
    async with house.transactions.begin(house.system) as work:
        return await operations.first_start_admin(work, house.peers.passwords)


async def demo_of(house: House) -> list[str]:
    async with house.transactions.begin(house.system) as work:
        return await operations.ensure_demo_accounts(work, house.peers.passwords)


async def retired(house: House) -> list[str]:
    async with house.transactions.begin(house.system) as work:
        return await operations.retire_demo_accounts(work)


async def opens(house: House, username: str, password: str) -> bool:
    try:
        found = await resolvers.login(house.context(), username, password, HERE)
    except Unauthorized:
        return False
    return found.user.username == username


async def test_the_first_start_makes_an_administrator_whose_password_works(house: House) -> None:
    made = await admin_of(house)
    assert made is not None
    assert len(made.password) == 20
    found = await resolvers.login(house.context(), made.username, made.password, HERE)
    assert found.user.role is Role.ADMIN
    assert await admin_of(house) is None


async def test_the_password_is_new_each_time(house: House) -> None:
    made = {operations._generated_password() for _ in range(100)}
    assert len(made) == 100


async def _first_start(database: Database, tail: LogTail) -> tuple[CustomerRow, FirstAdmin | None]:
    """What a process does, with an own pool of connections."""
    own = Database(database.url.render_as_string(hide_password=False))
    passwords = Argon2Passwords()
    transactions = Transactions(own, ManualClock(), TailWakeUps(tail))
    try:
        async with transactions.begin(system_actor("first-start", 0)) as work:
            customer = await operations.ensure_customer(work, "Dairy One")
        async with transactions.begin(system_actor("first-start", customer.id)) as work:
            return customer, await operations.first_start_admin(work, passwords)
    finally:
        passwords.close()
        await own.close()


async def test_several_first_starts_at_once_make_one_of_everything(
    database: Database, tail: LogTail
) -> None:
    answers = await asyncio.gather(*(_first_start(database, tail) for _ in range(5)))
    assert len({customer for customer, _ in answers}) == 1
    assert len([admin for _, admin in answers if admin is not None]) == 1
    async with database.read() as session:
        page = await repository.users_page(session, answers[0][0].id, PageRequest())
    assert [user.username for user in page.rows] == ["admin"]


async def test_the_customer_stays_the_same(
    database: Database, tail: LogTail, tmp_path: Path
) -> None:
    first, _ = await _first_start(database, tail)
    second, admin = await _first_start(database, tail)
    assert second == first
    assert admin is None


async def test_the_demo_has_its_documented_accounts(house: House) -> None:
    assert await demo_of(house) == ["admin", "auditor", "manager", "operator"]
    for account in DEMO_ACCOUNTS:
        assert await opens(house, account.username, account.password)
    assert await demo_of(house) == ["admin", "auditor", "manager", "operator"]
    assert await admin_of(house) is None


async def test_without_the_demo_no_documented_password_opens(house: House) -> None:
    await demo_of(house)
    token = (await resolvers.login(house.context(), "admin", "admin123", HERE)).token
    assert sorted(await retired(house)) == ["admin", "auditor", "manager", "operator"]
    made = await admin_of(house)
    assert made is not None
    for account in DEMO_ACCOUNTS:
        assert not await opens(house, account.username, account.password)
    house.peers.tokens.forget("")
    with pytest.raises(Unauthorized):
        await house.peers.tokens.actor(token)
    assert await opens(house, made.username, made.password)
    assert await retired(house) == []


async def test_the_demo_comes_back_but_takes_no_account_over(house: House) -> None:
    await demo_of(house)
    await retired(house)
    made = await admin_of(house)
    assert made is not None
    assert await demo_of(house) == ["auditor", "manager", "operator"]
    assert await opens(house, "operator", "operator123")
    assert not await opens(house, "admin", "admin123")
    assert await opens(house, "admin", made.password)


async def test_an_account_whose_password_was_changed_is_no_demo_account(house: House) -> None:
    await demo_of(house)
    async with house.database.read() as session:
        found = await repository.credential(session, "admin")
    assert found is not None
    password_hash = await house.peers.passwords.hash("my own password")
    async with house.transactions.begin(house.system) as work:
        await operations.set_password(work, found.user.id, password_hash)
    assert sorted(await retired(house)) == ["auditor", "manager", "operator"]
    assert await admin_of(house) is None
    assert await opens(house, "admin", "my own password")

"""Logging in, failing to, and what is written down about both."""

import asyncio
from typing import Any

import orjson
import pytest
from sqlalchemy import select, update

from domain.identity import operations
from domain.identity.models import User
from domain.journal import repository as journal
from domain.journal.commands import ALL
from domain.journal.rows import EventRow
from domain.kernel.columns import table_of
from domain.kernel.errors import RateLimited, Unauthorized, ValidationFailed
from domain.kernel.eventlog import LogRow
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import ROLE_PERMISSIONS, Role
from drivers.identity.passwords import Argon2Passwords
from graph.identity import resolvers
from tests.domain.identity.conftest import House
from tests.support.log import caught_up, facts

HERE = "192.0.2.7"


async def events(house: House) -> list[EventRow]:
    async with house.database.read() as session:
        page = await journal.events_page(session, house.customer_id, ALL, PageRequest())
    return list(page.rows)


async def failed(house: House, username: str, password: str | None = None) -> Unauthorized:
    with pytest.raises(Unauthorized) as caught:
        await resolvers.login(house.context(), username, password or "wrong-password", HERE)
    return caught.value


async def log(house: House, kind: str) -> list[LogRow]:
    return [row for row in await facts(house.database, "identity") if row.kind == kind]


async def test_the_right_password_opens(house: House) -> None:
    ann = await house.user("ann", Role.MANAGER)
    found = await resolvers.login(house.context(), "ann", "long enough", HERE)
    assert found.user == ann
    assert set(found.permissions) == ROLE_PERMISSIONS[Role.MANAGER]
    assert list(found.permissions) == sorted(found.permissions)
    assert found.expires_at_us == house.clock.now_us() + 12 * 3600 * 1_000_000
    entered = await house.peers.tokens.actor(found.token)
    assert entered.actor.id == ann.id
    assert await resolvers.me(house.context(entered.actor)) == ann


async def test_a_login_is_a_fact_without_secrets(house: House) -> None:
    ann = await house.user("ann")
    found = await resolvers.login(house.context(), "ann", "long enough", HERE)
    (row,) = await log(house, "user.logged_in")
    assert (row.customer_id, row.key) == (house.customer_id, ann.id)
    assert row.data == {"username": "ann", "address": HERE}
    everything = repr(await facts(house.database, "identity"))
    assert "long enough" not in everything
    assert "argon2" not in everything
    assert found.token.split(".")[2] not in everything


async def test_wrong_name_wrong_password_and_closed_account_look_the_same(house: House) -> None:
    await house.user("keeper", Role.ADMIN)
    closed = await house.user("closed")
    await house.user("ann")
    async with house.transactions.begin(house.system) as work:
        await operations.disable_user(work, closed.id)
    answers = [
        await failed(house, "ann"),
        await failed(house, "nobody"),
        await failed(house, "closed", "long enough"),
    ]
    assert {(answer.message, tuple(answer.details)) for answer in answers} == {
        ("Invalid username or password", ())
    }


async def test_a_failure_is_a_fact_and_a_warning(house: House) -> None:
    ann = await house.user("ann")
    await failed(house, "ann")
    (row,) = await log(house, "login.failed")
    assert row.key == ann.id
    assert row.data == {"username": "ann", "address": HERE, "disabled": False}
    (event,) = await events(house)
    assert (event.severity, event.category, event.source) == ("WARNING", "SECURITY", "login")
    assert orjson.loads(event.data or "") == {"username": "ann", "address": HERE}
    assert "wrong-password" not in repr((row, event))


async def test_an_unknown_name_is_not_written_down(house: House) -> None:
    """It may be a password in the wrong field."""
    await failed(house, "my-secret-passphrase")
    (row,) = await log(house, "login.failed")
    (event,) = await events(house)
    assert row.key == "unknown"
    assert row.customer_id == house.customer_id
    assert "my-secret-passphrase" not in repr((row, event))


async def test_guessing_is_stopped_then_allowed_again(house: House) -> None:
    await house.user("ann")
    for _ in range(10):
        await failed(house, "ann")
    before = await facts(house.database, "identity")
    with pytest.raises(RateLimited) as caught:
        await resolvers.login(house.context(), "ann", "long enough", HERE)
    assert caught.value.retry_after_s == 60
    assert await facts(house.database, "identity") == before
    house.clock.advance(60)
    await resolvers.login(house.context(), "ann", "long enough", HERE)


async def test_success_wipes_the_slate_of_the_name(house: House) -> None:
    await house.user("ann")
    for _ in range(3):
        for _ in range(9):
            await failed(house, "ann")
        await resolvers.login(house.context(), "ann", "long enough", HERE)


async def test_a_flood_cannot_fill_the_journal(house: House) -> None:
    await house.user("ann")
    for _ in range(8):
        await failed(house, "ann")
    await asyncio.gather(*(failed(house, f"guess-{number}") for number in range(60)))
    assert len(await events(house)) == 30
    assert len(await log(house, "login.failed")) == 30


@pytest.mark.parametrize(
    "fields",
    [
        {"username": "", "password": "x"},
        {"username": "ann", "password": ""},
        {"username": "a\x00", "password": "x"},
        {"username": "\ud800", "password": "x"},
        {"username": "ann", "password": "\ud800"},
        {"username": "ann", "password": "x" * 1025},
    ],
    ids=repr,
)
async def test_what_is_no_login_is_invalid_and_changes_nothing(
    house: House, fields: dict[str, str]
) -> None:
    with pytest.raises(ValidationFailed):
        await resolvers.login(house.context(), client_address=HERE, **fields)
    assert await facts(house.database, "identity") == []
    assert await events(house) == []


async def test_an_outdated_hash_is_renewed_by_a_login(house: House) -> None:
    older = Argon2Passwords(memory_kib=8192, passes=1)
    try:
        outdated = await older.hash("long enough")
    finally:
        older.close()
    ann = await house.user("ann")
    await _store_hash(house, ann.id, outdated)
    first = await resolvers.login(house.context(), "ann", "long enough", HERE)
    renewed = await _stored_hash(house, ann.id)
    assert renewed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    await house.peers.tokens.actor(first.token)
    await resolvers.login(house.context(), "ann", "long enough", HERE)
    assert await _stored_hash(house, ann.id) == renewed


async def test_a_failed_login_renews_nothing(house: House) -> None:
    ann = await house.user("ann")
    before = await _stored_hash(house, ann.id)
    await failed(house, "ann")
    assert await _stored_hash(house, ann.id) == before


async def test_a_closed_account_is_out_at_once(house: House) -> None:
    admin = await house.user("admin", Role.ADMIN)
    ann = await house.user("ann")
    token = (await resolvers.login(house.context(), "ann", "long enough", HERE)).token
    await house.peers.tokens.actor(token)
    await resolvers.disable_user(house.context(admin), ann.id)
    with pytest.raises(Unauthorized):
        await house.peers.tokens.actor(token)
    await failed(house, "ann", "long enough")
    await resolvers.enable_user(house.context(admin), ann.id)
    with pytest.raises(Unauthorized):
        await house.peers.tokens.actor(token)
    again = await resolvers.login(house.context(), "ann", "long enough", HERE)
    await caught_up(house.database, house.tail)
    assert (await house.peers.tokens.actor(again.token)).actor.id == ann.id


async def test_me_is_for_those_who_are_known(house: House) -> None:
    with pytest.raises(Unauthorized):
        await resolvers.me(house.context())
    assert await resolvers.me(house.context(house.system)) is None


async def _stored_hash(house: House, user_id: str) -> str:
    table = table_of(User)
    async with house.database.read() as session:
        found: Any = await session.scalar(
            select(table.c.password_hash).where(table.c.id == user_id)
        )
    return str(found)


async def _store_hash(house: House, user_id: str, password_hash: str) -> None:
    table = table_of(User)
    async with house.database.engine.begin() as connection:
        await connection.execute(
            update(table).where(table.c.id == user_id).values(password_hash=password_hash)
        )

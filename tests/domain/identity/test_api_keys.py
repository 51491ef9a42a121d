"""API keys: what they open, how they end, and when they were used."""

import asyncio

import pytest

from domain.identity import events
from domain.identity.api_keys import operations, repository, rules
from domain.identity.api_keys.commands import CreateApiKey
from domain.identity.api_keys.rows import ApiKeyRow
from domain.identity.rows import UserRow
from domain.kernel.actor import ANONYMOUS, Actor, ActorKind
from domain.kernel.errors import Forbidden, NotFound, Unauthorized, ValidationFailed
from domain.kernel.ids import new_id
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import ROLE_PERMISSIONS, Role
from graph.identity import resolvers
from graph.identity.resolvers import CreatedKey
from tests.domain.identity.conftest import House, dead
from tests.support.contents import contents
from tests.support.databases import new_customer
from tests.support.log import caught_up, facts

MINUTE_US = 60 * 1_000_000


async def made(house: House, role: Role = Role.AUDITOR, ends_in_s: int | None = None) -> CreatedKey:
    admin = await house.user(f"admin-{new_id()}", Role.ADMIN)
    ends_us = None if ends_in_s is None else house.clock.now_us() + ends_in_s * 1_000_000
    command = CreateApiKey.of(name="A dashboard", role=role, expires_at_us=ends_us)
    return await resolvers.create_api_key(house.context(admin), command)


async def stored(house: House, key_id: str) -> ApiKeyRow:
    async with house.database.read() as session:
        row = await repository.key_of(session, house.customer_id, key_id)
    assert row is not None
    return row


@pytest.mark.parametrize("role", list(Role))
async def test_a_key_opens_what_its_role_may(house: House, role: Role) -> None:
    row, key = await made(house, role)
    found = await house.peers.tokens.actor(key)
    actor = found.actor
    assert (actor.kind, actor.id, actor.name) == (ActorKind.API_KEY, row.id, "A dashboard")
    assert (actor.customer_id, actor.role) == (house.customer_id, role)
    assert actor.permissions == ROLE_PERMISSIONS[role]
    assert found.expires_at_us == house.clock.now_us() + 12 * 3600 * 1_000_000
    assert await resolvers.me(house.context(actor)) is None


async def test_a_key_is_told_once_and_kept_nowhere(house: House) -> None:
    row, key = await made(house)
    await house.peers.tokens.actor(key)
    assert key.startswith(row.prefix)
    assert len(key) == len("okto_") + 43
    everything = repr(await contents(house.database))
    assert key not in everything
    assert key[len(row.prefix) :] not in everything
    (fact,) = [one for one in await facts(house.database, "identity") if "api_key" in one.kind]
    assert (fact.kind, fact.key) == ("api_key.created", row.id)
    assert fact.data == rules.public(row)


async def test_the_use_is_noted_once_a_minute(house: House) -> None:
    row, key = await made(house)
    assert row.last_used_at_us is None
    first_us = house.clock.now_us()
    for _ in range(3):
        await house.peers.tokens.actor(key)
        assert (await stored(house, row.id)).last_used_at_us == first_us
        house.clock.advance(19)
    house.clock.advance(3)
    await house.peers.tokens.actor(key)
    assert (await stored(house, row.id)).last_used_at_us == first_us + MINUTE_US


async def test_a_use_that_another_process_has_noted_is_not_noted_again(house: House) -> None:
    row, key = await made(house)
    await house.peers.tokens.actor(key)
    noted_us = house.clock.now_us()
    house.clock.advance(30)
    house.peers.tokens.forget(row.id)
    await house.peers.tokens.actor(key)
    assert (await stored(house, row.id)).last_used_at_us == noted_us


async def test_many_uses_at_once_of_a_key_nobody_has_used(house: House) -> None:
    row, key = await made(house)
    found = await asyncio.gather(*(house.peers.tokens.actor(key) for _ in range(8)))
    assert {one.actor.id for one in found} == {row.id}


async def test_a_revoked_key_is_dead_at_once_and_for_good(house: House) -> None:
    admin = await house.user("admin", Role.ADMIN)
    row, key = await made(house)
    _, other = await made(house)
    await house.peers.tokens.actor(key)
    await house.peers.tokens.actor(other)
    revoked = await resolvers.revoke_api_key(house.context(admin), row.id)
    await dead(house, key)
    assert house.peers.tokens.known(other) is not None
    house.clock.advance(5)
    assert await resolvers.revoke_api_key(house.context(admin), row.id) == revoked
    assert [one.kind for one in await facts(house.database, "identity")].count(
        events.API_KEY_REVOKED
    ) == 1


async def test_revocation_reaches_other_processes_by_the_log(house: House) -> None:
    row, key = await made(house)
    await house.peers.tokens.actor(key)
    async with house.transactions.begin(house.system) as work:
        await operations.revoke_key(work, row.id)
    await caught_up(house.database, house.tail)
    await dead(house, key)


async def test_a_key_ends_when_it_was_to(house: House) -> None:
    row, key = await made(house, ends_in_s=90)
    found = await house.peers.tokens.actor(key)
    assert found.expires_at_us == row.expires_at_us
    house.clock.advance(89.999)
    await house.peers.tokens.actor(key)
    house.clock.advance(0.001)
    await dead(house, key)


async def test_an_end_that_has_passed_is_refused(house: House) -> None:
    before = await contents(house.database)
    with pytest.raises(ValidationFailed):
        await made(house, ends_in_s=0)
    after = await contents(house.database)
    assert after["api_key"] == before["api_key"] == []


@pytest.mark.parametrize(
    "key", ["", " ", "okto_", "x" * 300, "ü", "\x00", "' OR 1=1 --", "demo-ontakt-key", "\ud800"]
)
async def test_what_is_no_key_opens_nothing_and_changes_nothing(house: House, key: str) -> None:
    await made(house)
    before = await contents(house.database)
    await dead(house, key)
    assert await contents(house.database) == before


async def test_only_who_may_manages_keys(house: House) -> None:
    row, _ = await made(house)
    others = [await house.user(str(role), role) for role in Role if role is not Role.ADMIN]
    manager, manager_key = await made(house, Role.MANAGER)
    held = (await house.peers.tokens.actor(manager_key)).actor
    before = await contents(house.database)
    command = CreateApiKey.of(name="a", role=Role.ADMIN)
    callers: list[Actor | UserRow] = [*others, held, ANONYMOUS]
    for who in callers:
        context = house.context(who)
        denied = Unauthorized if who is ANONYMOUS else Forbidden
        for call in (
            lambda context=context: resolvers.create_api_key(context, command),
            lambda context=context: resolvers.revoke_api_key(context, row.id),
            lambda context=context: resolvers.api_keys(context, PageRequest()),
            lambda context=context: resolvers.api_key(context, row.id),
            lambda context=context: resolvers.count_api_keys(context),
        ):
            with pytest.raises(denied):
                await call()
    assert await contents(house.database) == before
    assert manager.role is Role.MANAGER


async def test_another_customer_s_key_is_not_there(house: House) -> None:
    row, _ = await made(house)
    admin = await house.user("admin", Role.ADMIN)
    stranger = admin._replace(customer_id=await new_customer(house.database, "Dairy Two"))
    context = house.context(stranger)
    before = await contents(house.database)
    with pytest.raises(NotFound):
        await resolvers.revoke_api_key(context, row.id)
    for key in (row.id, "", "x", "\x00"):
        assert await resolvers.api_key(context, key) is None
    assert (await resolvers.api_keys(context, PageRequest())).rows == []
    assert await resolvers.count_api_keys(context) == 0
    assert await contents(house.database) == before


async def test_the_demo_s_key_opens_with_the_demo_only(house: House) -> None:
    demo = rules.DEMO_KEY
    mac = house.peers.macs.of(rules.PURPOSE, demo.key)
    for _ in range(2):
        async with house.transactions.begin(house.system) as work:
            await operations.ensure_demo_key(work, mac)
        actor = (await house.peers.tokens.actor(demo.key)).actor
        assert actor.permissions == ROLE_PERMISSIONS[Role.ADMIN]
        async with house.transactions.begin(house.system) as work:
            await operations.retire_demo_key(work)
        await caught_up(house.database, house.tail)
        await dead(house, demo.key)
    async with house.database.read() as session:
        assert await repository.count(session, house.customer_id) == 1

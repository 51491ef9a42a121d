"""How tokens of programs end, and what is told of them."""

import asyncio
from typing import Any

import pytest

from domain.identity.oauth import operations, repository, rules
from domain.identity.oauth.models import EndReason
from domain.identity.oauth.ports import (
    ClientRefused,
    OAuthRefused,
    OAuthRequest,
)
from domain.kernel.permissions import Role
from graph.identity import resolvers
from graph.identity.resolvers import TokenAnswer
from tests.domain.identity.conftest import House, dead
from tests.domain.identity.test_users import WRITES
from tests.support.contents import contents
from tests.support.databases import new_customer
from tests.support.log import caught_up
from tests.support.oauth import (
    DAY_S,
    HOUR_S,
    ISSUER,
    UPDATE,
    Program,
    basic,
    program,
)


@pytest.mark.parametrize("change", ["password", "role", "disable"])
async def test_what_ends_a_user_s_tokens_ends_those_of_programs_too(
    house: House, client: Program, change: str
) -> None:
    admin = await house.user("admin", Role.ADMIN)
    ann = await house.user("ann")
    first = await client.log_in(house.context(), "ann")
    await house.peers.tokens.actor(first.access_token)
    await WRITES[change](house.context(admin), ann)
    await dead(house, first.access_token)
    with pytest.raises(OAuthRefused):
        await client.refresh(house.context(), first)
    if change == "role":
        again = await client.log_in(house.context(), "ann")
        assert UPDATE in again.scope.split()


@pytest.mark.parametrize("change", ["disable", "rotate", "delete"])
async def test_an_end_of_the_client_ends_its_tokens_on_every_process(
    house: House, client: Program, change: str
) -> None:
    """By the log alone: nobody tells this process directly."""
    await house.user("ann")
    own = await client.own_tokens(house.context())
    granted = await client.log_in(house.context(), "ann")
    bystander = await program(house.transactions, house.peers, house.customer_id)
    other = await bystander.own_tokens(house.context())
    for token in (own.access_token, granted.access_token, other.access_token):
        await house.peers.tokens.actor(token)
    async with house.transactions.begin(house.system) as work:
        if change == "disable":
            await operations.disable_client(work, client.row.id)
        elif change == "rotate":
            await operations.rotate_secret(work, client.row.id, "0" * 64)
        else:
            await operations.delete_client(work, client.row.id)
    await caught_up(house.database, house.tail)
    for token in (own.access_token, granted.access_token):
        await dead(house, token)
    assert house.peers.tokens.known(other.access_token) is not None
    with pytest.raises(ClientRefused):
        await client.own_tokens(house.context())


async def test_an_enabled_client_begins_anew(house: House, client: Program) -> None:
    await house.user("ann")
    granted = await client.log_in(house.context(), "ann")
    own = await client.own_tokens(house.context())
    async with house.transactions.begin(house.system) as work:
        await operations.disable_client(work, client.row.id)
        await operations.enable_client(work, client.row.id)
    await dead(house, own.access_token)
    with pytest.raises(OAuthRefused):
        await client.refresh(house.context(), granted)
    assert (await client.own_tokens(house.context())).access_token


async def test_a_client_that_ends_while_somebody_logs_in_leaves_no_grant(
    house: House, client: Program
) -> None:
    """Whichever comes first: nothing that is made outlives the client."""
    await house.user("ann")

    async def end() -> None:
        async with house.transactions.begin(house.system) as work:
            await operations.disable_client(work, client.row.id)

    answers: list[Any] = await asyncio.gather(
        *(client.log_in(house.context(), "ann") for _ in range(4)), end(), return_exceptions=True
    )
    async with house.transactions.begin(house.system) as work:
        await operations.enable_client(work, client.row.id)
    house.peers.tokens.forget(client.row.id)
    for answer in answers[:-1]:
        if isinstance(answer, TokenAnswer):
            await dead(house, answer.access_token)
        else:
            assert isinstance(answer, OAuthRefused | ClientRefused), answer


async def test_deleting_a_client_while_it_refreshes_ends_in_order(
    house: House, client: Program
) -> None:
    await house.user("ann")
    first = [await client.log_in(house.context(), "ann") for _ in range(4)]

    async def end() -> None:
        async with house.transactions.begin(house.system) as work:
            await operations.delete_client(work, client.row.id)

    answers = await asyncio.gather(
        *(client.refresh(house.context(), one) for one in first), end(), return_exceptions=True
    )
    expected = (TokenAnswer, OAuthRefused, ClientRefused, type(None))
    assert all(isinstance(answer, expected) for answer in answers), answers
    stored = await contents(house.database)
    for table in ("oauth_client", "oauth_grant", "oauth_refresh_token"):
        assert stored[table] == []


async def test_a_revoked_access_token_ends_alone(house: House, client: Program) -> None:
    await house.user("ann")
    granted = await client.log_in(house.context(), "ann")
    second = await client.refresh(house.context(), granted)
    own = await client.own_tokens(house.context())
    for token in (second.access_token, own.access_token):
        await house.peers.tokens.actor(token)
        await resolvers.revoke_token(house.context(), client.request(token=token))
        await dead(house, token)
        before = await contents(house.database)
        await resolvers.revoke_token(house.context(), client.request(token=token))
        assert await contents(house.database) == before
    await house.peers.tokens.actor(granted.access_token)
    await client.refresh(house.context(), second)


async def test_a_revoked_refresh_token_ends_its_grant(house: House, client: Program) -> None:
    await house.user("ann")
    granted = await client.log_in(house.context(), "ann")
    another = await client.log_in(house.context(), "ann")
    await house.peers.tokens.actor(granted.access_token)
    shown = granted.refresh_token or ""
    hint = {"token": shown, "token_type_hint": "access_token"}
    await resolvers.revoke_token(house.context(), client.request(**hint))
    await dead(house, granted.access_token)
    with pytest.raises(OAuthRefused):
        await client.refresh(house.context(), granted)
    await house.peers.tokens.actor(another.access_token)
    await client.refresh(house.context(), another)


async def test_nobody_revokes_what_is_another_s(house: House, client: Program) -> None:
    other = await program(house.transactions, house.peers, house.customer_id)
    ann = await house.user("ann")
    granted = await client.log_in(house.context(), "ann")
    login = house.peers.tokens.issue(ann).token
    before = await contents(house.database)
    for token in (granted.access_token, granted.refresh_token or "", login):
        with pytest.raises(OAuthRefused) as caught:
            await resolvers.revoke_token(house.context(), other.request(token=token))
        assert caught.value.error == "invalid_grant"
    for token in ("nonsense", "a.b.c", "\x00", "ü.ü.ü"):
        await resolvers.revoke_token(house.context(), other.request(token=token))
    with pytest.raises(OAuthRefused) as caught:
        await resolvers.revoke_token(house.context(), other.request())
    assert caught.value.error == "invalid_request"
    assert await contents(house.database) == before


async def test_a_token_is_told_about_to_clients_of_its_customer(
    house: House, client: Program
) -> None:
    other = await program(house.transactions, house.peers, house.customer_id)
    ann = await house.user("ann")
    granted = await client.log_in(house.context(), "ann")
    now_s = house.clock.now_us() // 1_000_000
    about = await other.inspect(house.context(), granted.access_token)
    assert about.pop("jti")
    assert about == {
        "active": True,
        "token_type": "Bearer",
        "client_id": client.row.client_id,
        "username": "ann",
        "sub": ann.id,
        "scope": granted.scope,
        "iss": ISSUER,
        "aud": "oktograph",
        "iat": now_s,
        "exp": now_s + HOUR_S,
    }
    refresh = await other.inspect(house.context(), granted.refresh_token, token_type_hint="odd")
    assert (refresh["active"], refresh["sub"], "token_type" in refresh) == (True, ann.id, False)
    own = await other.inspect(house.context(), (await client.own_tokens(house.context()))[0])
    assert (own["sub"], own["client_id"]) == (client.row.client_id, client.row.client_id)
    login = await other.inspect(house.context(), house.peers.tokens.issue(ann).token)
    assert (login["active"], login["username"], "client_id" in login) == (True, "ann", False)


async def test_a_token_that_is_none_is_inactive_and_so_is_a_stranger_s(
    house: House, client: Program
) -> None:
    await house.user("ann")
    granted = await client.log_in(house.context(), "ann")
    used = granted.refresh_token
    second = await client.refresh(house.context(), granted)
    customer = await new_customer(house.database, "Dairy Two")
    stranger = await program(house.transactions, house.peers, customer)
    for token in (second.access_token, second.refresh_token):
        assert await stranger.inspect(house.context(), token) == {"active": False}
    for token in ("nonsense", "a.b.c", "\x00", used):
        assert await client.inspect(house.context(), token) == {"active": False}
    await resolvers.revoke_token(house.context(), client.request(token=second.access_token))
    assert await client.inspect(house.context(), second.access_token) == {"active": False}


async def test_what_has_expired_goes_when_its_time_has_come(house: House, client: Program) -> None:
    await house.user("ann")
    first = await client.log_in(house.context(), "ann")
    own = await client.own_tokens(house.context())
    await resolvers.revoke_token(house.context(), client.request(token=own.access_token))
    house.clock.advance(10 * DAY_S)
    second = await client.refresh(house.context(), first)

    async def trimmed(before_us: int) -> tuple[int, int, int]:
        async with house.transactions.begin(house.system) as work:
            refresh = await repository.trim_refresh_tokens(work.session, before_us, 100)
            grants = await repository.trim_grants(work.session, before_us, 100)
            revoked = await repository.trim_revoked(work.session, before_us, 100)
        return refresh.rows, grants.rows, revoked.rows

    now_us = house.clock.now_us()
    day_us = DAY_S * 1_000_000
    assert await trimmed(now_us) == (0, 0, 1)
    assert await trimmed(now_us + 21 * day_us) == (1, 0, 0)
    await client.refresh(house.context(), second)
    assert await trimmed(now_us + 31 * day_us) == (2, 1, 0)
    assert (await contents(house.database))["oauth_grant"] == []


async def test_the_demo_s_client_opens_with_the_demo_only(house: House) -> None:
    demo = rules.DEMO_CLIENT
    mac = house.peers.macs.of(rules.PURPOSE, demo.secret)
    form = {"grant_type": "client_credentials"}
    request = OAuthRequest(form, basic(demo.client_id, demo.secret), ISSUER, "")

    async def opens() -> bool:
        try:
            return bool((await resolvers.issue_tokens(house.context(), request)).access_token)
        except ClientRefused:
            return False

    assert not await opens()
    for _ in range(2):
        async with house.transactions.begin(house.system) as work:
            assert await operations.ensure_demo_client(work, mac)
        assert await opens()
        async with house.transactions.begin(house.system) as work:
            await operations.retire_demo_client(work)
        assert not await opens()


async def test_a_demo_client_that_somebody_took_over_is_theirs(house: House) -> None:
    demo = rules.DEMO_CLIENT
    mac = house.peers.macs.of(rules.PURPOSE, demo.secret)
    async with house.transactions.begin(house.system) as work:
        await operations.ensure_demo_client(work, mac)
        await operations.rotate_secret(work, demo.client_id, "0" * 64)
    async with house.transactions.begin(house.system) as work:
        assert not await operations.ensure_demo_client(work, mac)
        await operations.retire_demo_client(work)
    async with house.database.read() as session:
        found = await repository.credential(session, demo.client_id)
    assert found is not None
    assert (found.client.disabled_at_us, found.secret_mac) == (None, "0" * 64)


async def test_a_grant_ends_once(house: House, client: Program) -> None:
    await house.user("ann")
    granted = await client.log_in(house.context(), "ann")
    mac = house.peers.macs.of(rules.REFRESH_PURPOSE, granted.refresh_token or "")
    async with house.database.read() as session:
        row = await repository.refresh_token(session, mac)
    assert row is not None
    async with house.transactions.begin(house.system) as work:
        assert await operations.end_grant(work, row.grant, EndReason.REVOKED)
        assert not await operations.end_grant(work, row.grant, EndReason.REVOKED)

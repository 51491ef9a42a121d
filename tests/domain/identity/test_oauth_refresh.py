"""Refreshing: new tokens for old, once."""

import asyncio

import pytest

from domain.identity.mappings import permissions_of
from domain.identity.oauth.ports import (
    OAuthRefused,
    RefreshTokenReused,
)
from domain.kernel.permissions import Role
from graph.identity.resolvers import TokenAnswer
from tests.domain.identity.conftest import House, dead, warnings
from tests.support.contents import contents
from tests.support.log import facts
from tests.support.oauth import (
    DAY_S,
    HOUR_S,
    READ,
    UPDATE,
    Program,
    program,
)


async def test_a_refresh_brings_new_tokens_for_the_same_grant(
    house: House, client: Program
) -> None:
    await house.user("ann", Role.MANAGER)
    first = await client.log_in(house.context(), "ann")
    house.clock.advance(2 * HOUR_S)
    second = await client.refresh(house.context(), first)
    assert second.refresh_token != first.refresh_token
    assert second.scope == first.scope
    await dead(house, first.access_token)
    narrow = await client.refresh(house.context(), second, scope=READ)
    assert narrow.scope == READ
    actor = (await house.peers.tokens.actor(narrow.access_token)).actor
    assert actor.permissions == permissions_of([READ])
    wide = await client.refresh(house.context(), narrow)
    assert wide.scope == first.scope


async def test_a_refresh_widens_nothing(house: House, client: Program) -> None:
    await house.user("ann", Role.ADMIN)
    first = await client.log_in(house.context(), "ann", scope=READ)
    with pytest.raises(OAuthRefused) as caught:
        await client.refresh(house.context(), first, scope=f"{READ} {UPDATE}")
    assert caught.value.error == "invalid_scope"
    assert (await client.refresh(house.context(), first)).scope == READ


async def test_a_refresh_token_shown_twice_ends_all_that_came_of_it(
    house: House, client: Program
) -> None:
    await house.user("ann")
    first = await client.log_in(house.context(), "ann")
    second = await client.refresh(house.context(), first)
    await house.peers.tokens.actor(second.access_token)
    with pytest.raises(RefreshTokenReused) as caught:
        await client.refresh(house.context(), first)
    assert caught.value.error == "invalid_grant"
    for token in (first.access_token, second.access_token):
        await dead(house, token)
    with pytest.raises(OAuthRefused):
        await client.refresh(house.context(), second)
    ended = [row for row in await facts(house.database, "identity") if row.kind == "grant.ended"]
    assert [row.data["reason"] for row in ended] == ["REUSED"]
    assert "A refresh token was used twice: its grant has ended" in await warnings(house)


async def test_of_many_refreshes_at_once_one_is_answered(house: House, client: Program) -> None:
    """And the grant is over, since one of the two who have the token has stolen it."""
    await house.user("ann")
    first = await client.log_in(house.context(), "ann")
    answers = await asyncio.gather(
        *(client.refresh(house.context(), first) for _ in range(8)), return_exceptions=True
    )
    won = [answer for answer in answers if isinstance(answer, TokenAnswer)]
    lost = [answer for answer in answers if isinstance(answer, OAuthRefused)]
    assert (len(won), len(lost)) == (1, 7), answers
    assert {one.error for one in lost} == {"invalid_grant"}
    await dead(house, won[0].access_token)
    with pytest.raises(OAuthRefused):
        await client.refresh(house.context(), won[0])
    kinds = [row.kind for row in await facts(house.database, "identity")]
    assert kinds.count("grant.ended") == 1
    assert kinds.count("grant.made") == 1


async def test_another_client_s_refresh_token_is_none(house: House, client: Program) -> None:
    other = await program(house.transactions, house.peers, house.customer_id)
    await house.user("ann")
    first = await client.log_in(house.context(), "ann")
    second = await client.refresh(house.context(), first)
    before = await contents(house.database)
    for answer in (first, second):
        with pytest.raises(OAuthRefused) as caught:
            await other.refresh(house.context(), answer)
        assert caught.value.error == "invalid_grant"
    assert await contents(house.database) == before
    await client.refresh(house.context(), second)


async def test_an_old_refresh_token_is_refused(house: House, client: Program) -> None:
    await house.user("ann")
    first = await client.log_in(house.context(), "ann")
    house.clock.advance(30 * DAY_S - 1)
    second = await client.refresh(house.context(), first)
    house.clock.advance(30 * DAY_S)
    with pytest.raises(OAuthRefused) as caught:
        await client.refresh(house.context(), second)
    assert caught.value.error == "invalid_grant"

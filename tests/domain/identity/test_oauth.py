"""Tokens for programs: what they open, and who is refused."""

import pytest

from domain.identity.mappings import OTAO, permissions_of
from domain.identity.oauth import operations
from domain.identity.oauth.models import GrantType
from domain.identity.oauth.ports import (
    ClientRefused,
    OAuthRefused,
    OAuthRequest,
)
from domain.kernel.actor import ActorKind
from domain.kernel.errors import RateLimited
from domain.kernel.permissions import ROLE_PERMISSIONS, Role
from graph.identity import resolvers
from tests.domain.identity.conftest import House, dead, refused, warnings
from tests.support.contents import contents
from tests.support.databases import new_customer
from tests.support.log import facts
from tests.support.oauth import (
    EVERYTHING,
    HERE,
    HOUR_S,
    ISSUER,
    READ,
    UPDATE,
    Program,
    basic,
    program,
)


async def test_a_program_is_an_actor_with_what_its_scopes_stand_for(
    house: House, client: Program
) -> None:
    answer = await client.own_tokens(house.context(), scope=READ)
    assert (answer.scope, answer.expires_in_s, answer.refresh_token) == (READ, HOUR_S, None)
    actor = (await house.peers.tokens.actor(answer.access_token)).actor
    assert (actor.kind, actor.id, actor.customer_id) == (
        ActorKind.CLIENT,
        client.row.id,
        house.customer_id,
    )
    assert actor.permissions == permissions_of([READ])
    assert actor.role is None


async def test_without_a_scope_it_gets_all_that_it_may_have(house: House, client: Program) -> None:
    for more in ({}, {"scope": "   "}):
        answer = await client.own_tokens(house.context(), **more)
        assert answer.scope == EVERYTHING
        actor = (await house.peers.tokens.actor(answer.access_token)).actor
        assert actor.permissions == permissions_of(OTAO)


async def test_its_own_tokens_write_nothing(house: House, client: Program) -> None:
    before = await contents(house.database)
    await client.own_tokens(house.context())
    assert await contents(house.database) == before


async def test_a_token_dies_within_the_hour(house: House, client: Program) -> None:
    answer = await client.own_tokens(house.context())
    house.clock.advance(HOUR_S - 1)
    await house.peers.tokens.actor(answer.access_token)
    house.clock.advance(1)
    await dead(house, answer.access_token)


async def test_a_user_s_token_opens_what_both_role_and_scopes_allow(
    house: House, client: Program
) -> None:
    ann = await house.user("ann", Role.OPERATOR)
    answer = await client.log_in(house.context(), "ann")
    assert answer.scope.split() == [READ, "endpoint:read"]
    actor = (await house.peers.tokens.actor(answer.access_token)).actor
    assert (actor.kind, actor.id, actor.name, actor.role) == (ActorKind.USER, ann.id, "ann", None)
    assert actor.permissions == permissions_of([READ, "endpoint:read"])
    assert actor.permissions < ROLE_PERMISSIONS[Role.OPERATOR]
    assert await resolvers.me(house.context(actor)) == ann


async def test_what_the_user_may_not_is_left_out_and_alone_refused(
    house: House, client: Program
) -> None:
    await house.user("ann", Role.OPERATOR)
    answer = await client.log_in(house.context(), "ann", scope=f"{READ} {UPDATE}")
    assert answer.scope == READ
    who = {"grant_type": "password", "username": "ann", "password": "long enough"}
    assert await refused(house, client, **who, scope=UPDATE) == "invalid_scope"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x"}, "unsupported_grant_type"),
        ({"grant_type": "\ud800"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "scope": "production:scan:read"}, "invalid_scope"),
        ({"grant_type": "client_credentials", "scope": f"{READ} \x00"}, "invalid_scope"),
        ({"grant_type": "client_credentials", "scope": "x" * 60_000}, "invalid_scope"),
        ({"grant_type": "password"}, "invalid_request"),
        ({"grant_type": "password", "username": "ann"}, "invalid_request"),
        ({"grant_type": "password", "username": "ann", "password": "wrong one"}, "invalid_grant"),
        ({"grant_type": "password", "username": "nobody", "password": "wrong"}, "invalid_grant"),
        ({"grant_type": "password", "username": "a\x00", "password": "x"}, "invalid_grant"),
        ({"grant_type": "password", "username": "ann", "password": "x" * 2000}, "invalid_grant"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "guess"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "\x00"}, "invalid_grant"),
        ({"grant_type": "client_credentials", "client_secret": "x"}, "invalid_request"),
        ({"grant_type": "client_credentials", "client_id": "another"}, "invalid_request"),
    ],
)
async def test_a_refusal_has_its_word_and_grants_nothing(
    house: House, client: Program, form: dict[str, str], error: str
) -> None:
    await house.user("ann")
    before = await contents(house.database)
    assert await refused(house, client, **form) == error
    after = await contents(house.database)
    told = {"event_log", "journal_event"}
    assert {name: rows for name, rows in after.items() if name not in told} == {
        name: rows for name, rows in before.items() if name not in told
    }


async def test_who_the_client_is_not_told_apart(house: House, client: Program) -> None:
    """Unknown, disabled, wrong secret, no secret: one answer, and no word of a password."""
    closed = await program(house.transactions, house.peers, house.customer_id)
    async with house.transactions.begin(house.system) as work:
        await operations.disable_client(work, closed.row.id)
    ask = {"grant_type": "client_credentials"}
    name = client.row.client_id
    headers = [
        basic("nobody", client.secret),
        basic(name, "wrong"),
        basic(name, ""),
        basic("", client.secret),
        basic("\x00", "x"),
        basic("x" * 10_000, "x"),
        basic(closed.row.client_id, closed.secret),
        "Basic",
        "Basic !",
        "Basic \xa0",
        "Basic /w==",
        "Basic\xa0/w== /w==",
        "Bearer nonsense",
        "",
        None,
    ]
    requests = [OAuthRequest(ask, header, ISSUER, "") for header in headers]
    posted = ask | {"client_id": name, "client_secret": "wrong"}
    requests += [OAuthRequest(posted, None, ISSUER, "")]
    requests += [OAuthRequest(ask | {"client_id": name}, None, ISSUER, "")]
    answers = set()
    for request in requests:
        with pytest.raises(ClientRefused) as caught:
            await resolvers.issue_tokens(house.context(), request)
        answers.add((caught.value.message, tuple(caught.value.details)))
    assert answers == {("Client authentication failed", ())}


async def test_a_stranger_s_guess_of_a_password_is_not_even_looked_at(
    house: House, client: Program
) -> None:
    """No client, no answer about a user: not a failed login either."""
    await house.user("ann")
    form = {"grant_type": "password", "username": "ann", "password": "long enough"}
    with pytest.raises(ClientRefused):
        await resolvers.issue_tokens(
            house.context(), OAuthRequest(form, basic(client.row.client_id, "x"), ISSUER, HERE)
        )
    kinds = [row.kind for row in await facts(house.database, "identity")]
    assert "login.failed" not in kinds
    assert "user.logged_in" not in kinds


async def test_a_client_may_ask_only_by_the_ways_it_was_given(house: House) -> None:
    own = await program(
        house.transactions,
        house.peers,
        house.customer_id,
        grant_types=(GrantType.CLIENT_CREDENTIALS,),
    )
    await own.own_tokens(house.context())
    who = {"grant_type": "password", "username": "ann", "password": "long enough"}
    assert await refused(house, own, **who) == "unauthorized_client"
    shown = {"grant_type": "refresh_token", "refresh_token": "x"}
    assert await refused(house, own, **shown) == "unauthorized_client"


async def test_a_user_of_another_customer_is_nobody_to_this_client(
    house: House, client: Program
) -> None:
    other = await new_customer(house.database, "Dairy Two")
    stranger = await program(house.transactions, house.peers, other)
    await house.user("ann")
    with pytest.raises(OAuthRefused) as caught:
        await stranger.log_in(house.context(), "ann")
    assert caught.value.error == "invalid_grant"
    assert "user.logged_in" not in [row.kind for row in await facts(house.database, "identity")]
    assert (await client.log_in(house.context(), "ann")).scope


async def test_guessing_a_password_here_is_guessing_it_there(house: House, client: Program) -> None:
    await house.user("ann")
    for _ in range(10):
        with pytest.raises(OAuthRefused):
            await client.log_in(house.context(), "ann", "wrong one")
    with pytest.raises(RateLimited):
        await client.log_in(house.context(), "ann")
    with pytest.raises(RateLimited):
        await resolvers.login(house.context(), "ann", "long enough", HERE)


async def test_failures_of_clients_are_counted_by_address_and_written_down_once(
    house: House, client: Program
) -> None:
    form = {"grant_type": "client_credentials"}
    name = client.row.client_id
    for _ in range(100):
        with pytest.raises(ClientRefused):
            await resolvers.issue_tokens(
                house.context(), OAuthRequest(form, basic(name, "x"), ISSUER, HERE)
            )
    before = await contents(house.database)
    with pytest.raises(RateLimited):
        await client.own_tokens(house.context())
    assert await contents(house.database) == before
    elsewhere = OAuthRequest(form, basic(name, client.secret), ISSUER, "198.51.100.1")
    assert (await resolvers.issue_tokens(house.context(), elsewhere)).access_token
    assert (await warnings(house)).count("Failed authentication of a client") == 1
    house.clock.advance(60)
    assert (await client.own_tokens(house.context())).access_token


async def test_no_secret_is_in_the_log_the_audit_or_a_table(house: House, client: Program) -> None:
    admin = await house.user("admin", Role.ADMIN)
    made = await resolvers.rotate_oauth_client_secret(house.context(admin), client.row.id)
    known = client._replace(secret=made.secret)
    answer = await known.log_in(house.context(), "admin")
    second = await known.refresh(house.context(), answer)
    everything = repr(await contents(house.database))
    for secret in (client.secret, made.secret, answer.refresh_token, second.refresh_token):
        assert secret is not None
        assert secret not in everything
    for token in (answer.access_token, second.access_token):
        assert token.rpartition(".")[2] not in everything

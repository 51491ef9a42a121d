"""Tokens for programs: what they open, how they end, what two who ask at once get."""

import asyncio
from typing import Any

import pytest

from domain.identity.mappings import OTAO, permissions_of
from domain.identity.oauth import operations, repository, rules
from domain.identity.oauth.models import EndReason, GrantType
from domain.identity.oauth.ports import (
    ClientRefused,
    OAuthRefused,
    OAuthRequest,
    RefreshTokenReused,
)
from domain.journal import repository as journal
from domain.journal.commands import ALL
from domain.kernel.actor import ActorKind
from domain.kernel.errors import RateLimited, Unauthorized
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import ROLE_PERMISSIONS, Permission, Role
from graph.identity import resolvers
from graph.identity.resolvers import TokenAnswer
from tests.domain.identity.conftest import House
from tests.domain.identity.test_users import WRITES
from tests.support.contents import contents
from tests.support.databases import new_customer
from tests.support.log import caught_up, facts
from tests.support.oauth import EVERYTHING, HERE, ISSUER, Program, basic, program

READ = "application:software:read"
UPDATE = "application:software:update"
HOUR_S = 3600
DAY_S = 24 * HOUR_S


@pytest.fixture
async def client(house: House) -> Program:
    return await program(house.transactions, house.peers, house.customer_id)


async def refused(house: House, client: Program, **form: str) -> str:
    """The error's code; nothing may have changed but the log and the journal of a refusal."""
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


async def test_a_client_s_writes_are_audited_as_its_own(house: House) -> None:
    own = await program(
        house.transactions, house.peers, house.customer_id, scopes=str(Permission.FLEET_DEVICE_READ)
    )
    answer = await own.own_tokens(house.context())
    actor = (await house.peers.tokens.actor(answer.access_token)).actor
    assert actor.permissions == {Permission.FLEET_DEVICE_READ}
    await resolvers.revoke_token(house.context(), own.request(token=answer.access_token))
    ended = [row.kind for row in await facts(house.database, "identity")]
    assert ended[-1] == "token.revoked"


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

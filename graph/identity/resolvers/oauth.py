"""The OAuth endpoints. Who calls is nobody yet: the client shows its secret in the request."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

from domain.identity.oauth import operations, rules
from domain.identity.oauth.models import EndReason
from domain.identity.oauth.operations import GrantEnded, RefreshTokenUsed
from domain.identity.oauth.ports import (
    INVALID_GRANT,
    ClientRefused,
    Lookups,
    OAuthRefused,
    OAuthRequest,
    OAuthServices,
    RefreshTokenReused,
    TokenDecision,
)
from domain.identity.oauth.rows import RefreshRow
from domain.identity.ports import IssuedToken
from domain.identity.rows import UserRow
from domain.identity.rules import actor_of
from domain.kernel.actor import system_actor
from domain.kernel.clock import SECOND_US
from domain.kernel.errors import Unavailable
from graph.context import Context
from graph.identity.logins import owner_of_strangers
from graph.identity.lookups import ContextLookups

Answer = TypeVar("Answer")
Judge = Callable[[OAuthRequest, Lookups], Awaitable[Answer]]


class TokenAnswer(NamedTuple):
    """`scope` is words with blanks between; a client's own tokens come without refresh tokens."""

    access_token: str
    expires_in_s: int
    scope: str
    refresh_token: str | None


async def issue_tokens(context: Context, request: OAuthRequest) -> TokenAnswer:
    """Public. RFC 6749 section 5. Raises ClientRefused, OAuthRefused or RateLimited."""
    decision = await _judged(context, request, _oauth(context).protocol.token)
    if decision.user is None:
        tokens = context.services.identity.tokens
        issued = tokens.issue_client(decision.client, decision.scopes, request.issuer)
        return _answer(context, issued, decision.scopes)
    try:
        return await _for_user(context, request, decision, decision.user)
    except GrantEnded as ended:
        raise OAuthRefused(INVALID_GRANT, ended.message) from ended
    except RefreshTokenUsed as used:
        await _end_reused(context, used.shown)
        raise RefreshTokenReused(used.shown) from used


async def revoke_token(context: Context, request: OAuthRequest) -> None:
    """Public. RFC 7009: with a refresh token its whole grant ends, an access token ends alone.
    Raises ClientRefused, OAuthRefused or RateLimited."""
    found = await _judged(context, request, _oauth(context).protocol.revocation)
    token = found.token
    if token is None:
        return
    actor = rules.actor_of_client(found.client, "")
    async with context.services.transactions.begin(actor) as work:
        if token.refresh is None:
            await operations.revoke_access_token(work, token)
        else:
            await operations.end_grant(work, token.refresh.grant, EndReason.REVOKED)
    ended = token.token_id if token.refresh is None else token.refresh.grant.id
    context.services.identity.tokens.forget(ended)


async def introspect_token(context: Context, request: OAuthRequest) -> dict[str, Any]:
    """Public. RFC 7662 section 2.2. Raises ClientRefused, OAuthRefused or RateLimited."""
    return await _judged(context, request, _oauth(context).protocol.introspection)


def _oauth(context: Context) -> OAuthServices:
    found = context.services.identity.oauth
    if found is None:
        raise Unavailable("There is no token endpoint here")
    return found


async def _judged(context: Context, request: OAuthRequest, judge: Judge[Answer]) -> Answer:
    """Failures of clients are counted by where they come from."""
    lookups = ContextLookups(context, request.address)
    try:
        async with context.services.identity.throttle.attempt_by_program(request.address):
            return await judge(request, lookups)
    except ClientRefused:
        await _report_refusal(context, lookups, request.address)
        raise
    except RefreshTokenReused as reused:
        await _end_reused(context, reused.shown)
        raise


async def _for_user(
    context: Context, request: OAuthRequest, decision: TokenDecision, user: UserRow
) -> TokenAnswer:
    identity = context.services.identity
    refresh = rules.new_secret()
    mac = identity.macs.of(rules.REFRESH_PURPOSE, refresh)
    async with context.services.transactions.begin(actor_of(user)) as work:
        ends_us = work.now_us + _oauth(context).refresh_lifetime_s * SECOND_US
        if decision.shown is None:
            grant = await operations.make_grant(work, decision, user, mac, ends_us)
        else:
            grant = decision.shown.grant
            await operations.rotate_refresh_token(work, decision.shown, mac, ends_us)
    client, scope = decision.client, decision.scopes
    issued = identity.tokens.issue_granted(grant, user, client, scope, request.issuer)
    return _answer(context, issued, scope, refresh)


def _answer(
    context: Context, issued: IssuedToken, scope: str, refresh: str | None = None
) -> TokenAnswer:
    left_us = issued.expires_at_us - context.services.clock.now_us()
    return TokenAnswer(issued.token, left_us // SECOND_US, scope, refresh)


async def _end_reused(context: Context, shown: RefreshRow) -> None:
    actor = system_actor(operations.SOURCE, shown.grant.customer_id)
    async with context.services.transactions.begin(actor) as work:
        await operations.end_reused(work, shown)
    context.services.identity.tokens.forget(shown.grant.id)


async def _report_refusal(context: Context, lookups: ContextLookups, address: str) -> None:
    """A fact and a warning in the journal of whose client it is, or of the installation's own
    customer; a flood of them fills nothing."""
    name = f"client {'' if lookups.asked is None else lookups.asked.client_id}"
    if not await context.services.identity.throttle.worth_reporting(name):
        return
    owner = await owner_of_strangers(context)
    customer_id = owner if lookups.asked is None else lookups.asked.customer_id
    if customer_id is None:
        return
    actor = system_actor(operations.SOURCE, customer_id)
    async with context.services.transactions.begin(actor) as work:
        await operations.client_refused(work, lookups.asked, address)

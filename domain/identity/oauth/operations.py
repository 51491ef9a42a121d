"""Writes of OAuth inside a given unit of work. Secrets come in as their MACs.

Locks are taken in one order: the client, then its grants, then their refresh tokens."""

from typing import Final

from domain.identity import events
from domain.identity.oauth import repository, rules
from domain.identity.oauth.commands import CreateClient
from domain.identity.oauth.models import EndReason, OAuthClient, OAuthRefreshToken
from domain.identity.oauth.ports import FoundToken, TokenDecision
from domain.identity.oauth.rows import ClientRow, GrantRow, RefreshRow
from domain.identity.repository import lock_first_start
from domain.identity.rows import UserRow
from domain.journal import operations as journal
from domain.journal.models import SECURITY, Severity
from domain.kernel.errors import Conflict, NotFound
from domain.kernel.ids import new_id
from domain.kernel.uow import UnitOfWork

SOURCE: Final = "oauth"


class GrantEnded(Conflict):
    """Whatever it allowed, it allows no more."""


class RefreshTokenUsed(Conflict):
    """Somebody else was first."""

    def __init__(self, shown: RefreshRow) -> None:
        super().__init__("The refresh token was used already")
        self.shown = shown


async def create_client(work: UnitOfWork, command: CreateClient, secret_mac: str) -> ClientRow:
    key = new_id()
    row = OAuthClient(
        id=key,
        customer_id=work.customer_id,
        client_id=key,
        name=command.name,
        secret_mac=secret_mac,
        scopes=rules.stored_words(command.scopes),
        grant_types=rules.stored_words(command.grant_types),
        created_at_us=work.now_us,
        created_by=work.actor.name,
        secret_changed_at_us=work.now_us,
    )
    await repository.insert_client(work.session, row)
    return await _told(work, key, events.CLIENT_CREATED)


async def rotate_secret(work: UnitOfWork, key: str, secret_mac: str) -> ClientRow:
    """Ends the client's tokens and grants. Raises NotFound."""
    found = await _existing(work, key)
    await repository.set_secret(work.session, found, secret_mac, work.now_us)
    await repository.end_grants_of(work.session, found, work.now_us)
    return await _told(work, found.id, events.SECRET_ROTATED)


async def disable_client(work: UnitOfWork, key: str) -> ClientRow:
    """Ends the client's tokens and grants; again is the same as once. Raises NotFound."""
    found = await _existing(work, key)
    if not await repository.disable_client(work.session, found, work.now_us):
        return found
    await repository.end_grants_of(work.session, found, work.now_us)
    return await _told(work, found.id, events.CLIENT_DISABLED)


async def enable_client(work: UnitOfWork, key: str) -> ClientRow:
    """Tokens and grants from before stay dead. Raises NotFound."""
    found = await _existing(work, key)
    changed = await repository.enable_client(work.session, found)
    return await _told(work, found.id, events.CLIENT_ENABLED) if changed else found


async def delete_client(work: UnitOfWork, key: str) -> ClientRow:
    """With all that it was granted; what it was. Raises NotFound."""
    found = await _existing(work, key)
    await repository.delete_client(work.session, found)
    work.record(events.STREAM, events.CLIENT_DELETED, found.id, **rules.public(found))
    return found


async def make_grant(
    work: UnitOfWork, decision: TokenDecision, user: UserRow, refresh_mac: str, expires_at_us: int
) -> GrantRow:
    """Raises GrantEnded where the client was disabled, or its secret changed, since its row was
    read."""
    client, scopes = decision.client, decision.granted
    if not await repository.hold_client(work.session, client):
        raise GrantEnded("The client was changed meanwhile")
    grant = GrantRow(
        id=new_id(),
        customer_id=client.customer_id,
        client_row_id=client.id,
        user_id=user.id,
        user_generation=user.token_generation,
        scopes=scopes,
        created_at_us=work.now_us,
        expires_at_us=expires_at_us,
        ended_at_us=None,
        end_reason=None,
    )
    await repository.insert_grant(work.session, grant)
    await _add_refresh_token(work, grant.id, refresh_mac, expires_at_us)
    told = {"client_id": client.client_id, "username": user.username, "scopes": scopes}
    work.record(events.STREAM, events.GRANT_MADE, grant.id, **told)
    return grant


async def rotate_refresh_token(
    work: UnitOfWork, shown: RefreshRow, refresh_mac: str, expires_at_us: int
) -> None:
    """The shown one is good no more, the new one is. Raises GrantEnded, or RefreshTokenUsed where
    somebody was first."""
    if not await repository.prolong_grant(work.session, shown.grant.id, expires_at_us):
        raise GrantEnded("The grant has ended")
    if not await repository.use_refresh_token(work.session, shown.id, work.now_us):
        raise RefreshTokenUsed(shown)
    await _add_refresh_token(work, shown.grant.id, refresh_mac, expires_at_us)


async def end_grant(work: UnitOfWork, grant: GrantRow, reason: EndReason) -> bool:
    """Ends all tokens that came of it. False where it had ended before."""
    if not await repository.end_grant(work.session, grant.id, reason, work.now_us):
        return False
    about = {"client_row_id": grant.client_row_id, "user_id": grant.user_id}
    work.record(events.STREAM, events.GRANT_ENDED, grant.id, **about, reason=str(reason))
    return True


async def end_reused(work: UnitOfWork, shown: RefreshRow) -> None:
    """A refresh token came a second time: one of the two who have it has stolen it, and nobody
    knows which (RFC 9700 section 4.14.2)."""
    if not await end_grant(work, shown.grant, EndReason.REUSED):
        return
    await journal.record(
        work,
        "A refresh token was used twice: its grant has ended",
        category=SECURITY,
        source=SOURCE,
        severity=Severity.WARNING,
        data={"username": shown.user.username, "grant": shown.grant.id},
    )


async def revoke_access_token(work: UnitOfWork, token: FoundToken) -> None:
    """That one alone: others of its grant stay good."""
    if await repository.revoke(work.session, token.token_id, token.expires_at_us):
        about = {"client_id": token.client_id}
        work.record(events.STREAM, events.TOKEN_REVOKED, token.token_id, **about)


async def client_refused(work: UnitOfWork, client: ClientRow | None, address: str) -> None:
    """A fact and a warning. An id that is unknown is not written down: people paste secrets into
    the wrong field."""
    about = {"client_id": None if client is None else client.client_id, "address": address}
    disabled = client is not None and client.disabled_at_us is not None
    key = events.UNKNOWN_CLIENT if client is None else client.id
    work.record(events.STREAM, events.CLIENT_REFUSED, key, **about, disabled=disabled)
    await journal.record(
        work,
        "Failed authentication of a client",
        category=SECURITY,
        source=SOURCE,
        severity=Severity.WARNING,
        data=about,
    )


async def ensure_demo_client(work: UnitOfWork, secret_mac: str) -> bool:
    """Whether the documented secret opens now. A client that somebody changed is left as it is."""
    await lock_first_start(work.session)
    for client in await repository.demo_clients(work.session, work.customer_id):
        await enable_client(work, client.id)
        return True
    demo, key = rules.DEMO_CLIENT, new_id()
    row = OAuthClient(
        id=key,
        customer_id=work.customer_id,
        client_id=demo.client_id,
        name=demo.name,
        secret_mac=secret_mac,
        scopes=rules.stored_words(demo.scopes),
        grant_types=rules.stored_words(demo.grant_types),
        created_at_us=work.now_us,
        created_by=work.actor.name,
        secret_changed_at_us=work.now_us,
        is_demo=True,
    )
    if not await repository.insert_client(work.session, row):
        return False
    await _told(work, key, events.CLIENT_CREATED)
    return True


async def retire_demo_client(work: UnitOfWork) -> None:
    """For a start without the demo: nobody gets in by a documented secret."""
    await lock_first_start(work.session)
    for client in await repository.demo_clients(work.session, work.customer_id):
        await disable_client(work, client.id)


async def _add_refresh_token(work: UnitOfWork, grant_id: str, mac: str, expires_at_us: int) -> None:
    row = OAuthRefreshToken(
        id=new_id(),
        grant_id=grant_id,
        mac=mac,
        issued_at_us=work.now_us,
        expires_at_us=expires_at_us,
    )
    await repository.insert_refresh_token(work.session, row)


async def _existing(work: UnitOfWork, key: str) -> ClientRow:
    found = await repository.client_of(work.session, work.customer_id, key)
    if found is None:
        raise NotFound("OAuth client", key)
    return found


async def _told(work: UnitOfWork, key: str, kind: str) -> ClientRow:
    """Records the fact with the row as it became, and returns that."""
    client = await _existing(work, key)
    work.record(events.STREAM, kind, client.id, **rules.public(client))
    return client

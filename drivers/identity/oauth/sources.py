"""Access tokens that the token endpoint has issued: whose they are, and when they are good no
more. Both are ActorSources on this installation's database."""

from domain.identity import events
from domain.identity.oauth import repository, rules
from domain.identity.ports import TokenClaims
from domain.kernel.database import Database
from domain.kernel.errors import Unauthorized
from drivers.identity.actors import Standing


class ClientSource:
    """A client's own tokens: good while it is enabled and its secret is the one they came of."""

    stream = events.STREAM
    ends_tokens = events.ENDS_TOKENS

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(self, claims: TokenClaims) -> Standing:
        async with self._database.read() as session:
            found = await repository.credential(session, claims.subject)
            revoked = await repository.is_revoked(session, claims.token_id)
        if found is None or revoked:
            raise Unauthorized("Invalid or missing token")
        client = found.client
        outdated = client.generation != claims.generation
        elsewhere = client.customer_public_id != claims.customer
        if client.disabled_at_us is not None or outdated or elsewhere:
            raise Unauthorized("Invalid or missing token")
        actor = rules.actor_of_client(client, claims.scope or "")
        return Standing(actor, frozenset({client.id, claims.token_id}))


class GrantSource:
    """A user's by way of a client: good while the grant is, and the user as it was then."""

    stream = events.STREAM
    ends_tokens = events.ENDS_TOKENS

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(self, claims: TokenClaims) -> Standing:
        async with self._database.read() as session:
            found = await repository.grant(session, claims.grant or "")
            revoked = await repository.is_revoked(session, claims.token_id)
        if found is None or revoked:
            raise Unauthorized("Invalid or missing token")
        grant, user = found
        if not rules.is_alive(grant, user) or user.id != claims.subject:
            raise Unauthorized("Invalid or missing token")
        actor = rules.actor_of_grant(grant, user, claims.scope or "")
        hangs_on = frozenset({user.id, grant.client_row_id, grant.id, claims.token_id})
        return Standing(actor, hangs_on)

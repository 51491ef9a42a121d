"""What the OAuth protocol has to ask for, from the services of one call."""

from typing import Any

from domain.identity.commands import Login
from domain.identity.oauth import repository, rules
from domain.identity.oauth.ports import FoundToken
from domain.identity.oauth.rows import ClientCredentialRow, ClientRow, RefreshRow
from domain.identity.ports import InspectedToken
from domain.identity.rows import UserRow
from domain.kernel.clock import SECOND_US
from domain.kernel.errors import Unauthorized, ValidationFailed
from graph.context import Context
from graph.identity import logins


class ContextLookups:
    """`asked` is the client that was asked for, where there is one of that name."""

    def __init__(self, context: Context, address: str) -> None:
        self.asked: ClientRow | None = None
        self._context = context
        self._address = address

    async def client(self, client_id: str) -> ClientCredentialRow | None:
        async with self._context.read() as session:
            found = await repository.credential(session, client_id)
        self.asked = None if found is None else found.client
        return found

    async def user(self, client: ClientRow, username: str, password: str) -> UserRow | None:
        try:
            attempt = Login.of(username=username, password=password)
            return await logins.verified(self._context, attempt, self._address, client.customer_id)
        except (Unauthorized, ValidationFailed):
            return None

    async def refresh_token(self, token: str) -> RefreshRow | None:
        mac = self._context.services.identity.macs.of(rules.REFRESH_PURPOSE, token)
        async with self._context.read() as session:
            return await repository.refresh_token(session, mac)

    async def token(self, token: str) -> FoundToken | None:
        if "." not in token:
            return await self._found_refresh_token(token)
        try:
            return _found_access_token(await self._context.services.identity.tokens.inspect(token))
        except Unauthorized:
            return None

    async def _found_refresh_token(self, token: str) -> FoundToken | None:
        row = await self.refresh_token(token)
        if row is None or not rules.is_good(row, self._context.services.clock.now_us()):
            return None
        async with self._context.read() as session:
            client = await repository.client_by_row(session, row.grant.client_row_id)
        if client is None:
            return None
        about = _about(
            client_id=client.client_id,
            username=row.user.username,
            sub=row.user.id,
            scope=row.grant.scopes,
            iat_us=row.issued_at_us,
            exp_us=row.expires_at_us,
        )
        return FoundToken(client.client_id, client.customer_public_id, about, refresh=row)


def _found_access_token(found: InspectedToken) -> FoundToken:
    claims = found.claims
    about = _about(
        token_type="Bearer",  # noqa: S106 - RFC 6750's name of the type
        client_id=claims.client,
        username=claims.name,
        sub=claims.subject,
        scope=claims.scope,
        iss=found.issuer,
        aud=found.audience,
        jti=claims.token_id,
        iat_us=claims.issued_at_us,
        exp_us=claims.expires_at_us,
    )
    return FoundToken(claims.client, claims.customer, about, claims.token_id, claims.expires_at_us)


def _about(*, iat_us: int, exp_us: int, **words: str | None) -> dict[str, Any]:
    """Times in whole seconds, as RFC 7662 section 2.2 has them; what is None is left out."""
    known = {name: word for name, word in words.items() if word is not None}
    return known | {"iat": iat_us // SECOND_US, "exp": exp_us // SECOND_US}

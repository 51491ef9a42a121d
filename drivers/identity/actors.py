"""From a token or an API key to who stands behind it, on the hot path of every call.

A token is verified and its subject looked up once; after that it is one look into a table and a
comparison with the clock. A fact in the log that ends a subject's tokens drops them from it.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from domain.identity import events, repository, rules
from domain.identity.oauth.rows import ClientRow, GrantRow
from domain.identity.ports import (
    AuthenticatedActor,
    InspectedToken,
    IssuedToken,
    TokenClaims,
    TokenKind,
)
from domain.identity.rows import UserRow
from domain.kernel.actor import Actor
from domain.kernel.clock import SECOND_US, Clock
from domain.kernel.database import Database
from domain.kernel.errors import Unauthorized
from domain.kernel.eventlog import LogRow
from domain.kernel.ids import is_id, new_id
from domain.kernel.tail import LogTail
from drivers.identity.keys import KeyRing
from drivers.identity.tokens import JwtCodec, TokenSettings

CACHED_TOKENS: Final = 10_000


class Standing(NamedTuple):
    """Who a token stands for. A fact about any of `hangs_on` ends it: subjects of the log."""

    actor: Actor
    hangs_on: frozenset[str]


class ActorSource(Protocol):
    """Looks up the subject of verified claims. `stream` and `ends_tokens` name the facts, keyed
    by what a token hangs on, after which it must be looked at anew."""

    stream: str
    ends_tokens: frozenset[str]

    async def standing(self, claims: TokenClaims) -> Standing:
        """Raises Unauthorized when the subject is gone, closed, or the token outdated."""


class KeySource(Protocol):
    """The same for what is no token: an API key."""

    async def standing(self, key: str) -> "KeyStanding":
        """Raises Unauthorized for a key that is not good right now."""


class KeyStanding(NamedTuple):
    """To be asked for again at `look_again_us`."""

    actor: Actor
    expires_at_us: int
    look_again_us: int


@dataclass(frozen=True, slots=True)
class _Kept:
    found: AuthenticatedActor
    hangs_on: frozenset[str]
    until_us: int


class UserSource:
    """Users of this installation's database."""

    stream = events.STREAM
    ends_tokens = events.ENDS_TOKENS

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(self, claims: TokenClaims) -> Standing:
        user = await self._user(claims.subject)
        if user is None or user.disabled_at_us is not None:
            raise Unauthorized("Invalid or missing token")
        if user.token_generation != claims.generation:
            raise Unauthorized("Invalid or missing token")
        return Standing(rules.actor_of(user), frozenset({user.id}))

    async def _user(self, user_id: str) -> UserRow | None:
        if not is_id(user_id):
            return None
        async with self._database.read() as session:
            return await repository.user(session, user_id)


class Tokens:
    """A `TokenService`. A kind of token without a source opens nothing, and nor does an API key
    without `keys`."""

    def __init__(
        self,
        keys: KeyRing,
        settings: TokenSettings,
        clock: Clock,
        sources: Mapping[TokenKind, ActorSource],
        *,
        api_keys: KeySource | None = None,
        cached_tokens: int = CACHED_TOKENS,
    ) -> None:
        self._api_keys = api_keys
        self._keys = keys
        self._settings = settings
        self._clock = clock
        self._sources = sources
        self._codec = JwtCodec(keys, settings, clock)
        self._capacity = cached_tokens
        self._cache: OrderedDict[str, _Kept] = OrderedDict()
        self._epoch = 0

    def follow(self, tail: LogTail) -> Callable[[], None]:
        """Starts to heed facts; the answer ends it."""
        return tail.listen(self._heed)

    def issue(self, user: UserRow) -> IssuedToken:
        return self._issue(
            self._settings.user_lifetime_s,
            kind=TokenKind.USER,
            subject=user.id,
            name=user.username,
            customer=user.customer_public_id,
            role=str(user.role),
            generation=user.token_generation,
        )

    def issue_device(
        self, device_id: str, name: str, customer: str, *, generation: int = 0
    ) -> IssuedToken:
        return self._issue(
            self._settings.device_lifetime_s,
            kind=TokenKind.DEVICE,
            subject=device_id,
            name=name,
            customer=customer,
            role=None,
            generation=generation,
        )

    def issue_client(self, client: ClientRow, scope: str, issuer: str) -> IssuedToken:
        return self._issue(
            self._settings.access_lifetime_s,
            kind=TokenKind.CLIENT,
            subject=client.client_id,
            name=client.name,
            customer=client.customer_public_id,
            role=None,
            generation=client.generation,
            client=client.client_id,
            scope=scope,
            issuer=self._settings.public_url or issuer,
        )

    def issue_granted(
        self, grant: GrantRow, user: UserRow, client: ClientRow, scope: str, issuer: str
    ) -> IssuedToken:
        return self._issue(
            self._settings.access_lifetime_s,
            kind=TokenKind.GRANT,
            subject=user.id,
            name=user.username,
            customer=user.customer_public_id,
            role=None,
            generation=grant.user_generation,
            client=client.client_id,
            scope=scope,
            grant=grant.id,
            issuer=self._settings.public_url or issuer,
        )

    def known(self, token: str) -> AuthenticatedActor | None:
        """Without any waiting, if the token was seen before and is still good."""
        kept = self._cache.get(token)
        if kept is None:
            return None
        if kept.until_us <= self._clock.now_us():
            del self._cache[token]
            return None
        self._cache.move_to_end(token)
        return kept.found

    async def actor(self, token: str) -> AuthenticatedActor:
        found = self.known(token)
        return found if found is not None else await self._look_up(token)

    async def inspect(self, token: str) -> InspectedToken:
        claims = self._codec.read(token)
        actor = (await self._standing(claims)).actor
        settings = self._settings
        return InspectedToken(claims, actor, claims.issuer or settings.issuer, settings.audience)

    def forget(self, subject: str) -> None:
        self._drop({subject})

    def jwks(self) -> dict[str, Any]:
        return self._keys.jwks()

    def _issue(self, lifetime_s: int, **about: Any) -> IssuedToken:
        now_us = self._clock.now_us() // SECOND_US * SECOND_US  # JWTs count whole seconds
        expires_at_us = now_us + lifetime_s * SECOND_US
        claims = TokenClaims(
            **about, token_id=new_id(), issued_at_us=now_us, expires_at_us=expires_at_us
        )
        return IssuedToken(self._codec.sign(claims), expires_at_us)

    async def _look_up(self, token: str) -> AuthenticatedActor:
        epoch = self._epoch
        # A JWT has two dots, and no key of ours has any.
        kept = await (self._of_token(token) if "." in token else self._of_key(token))
        # A fact that came while the row was read may have ended what is about to be kept.
        if epoch == self._epoch:
            self._keep(token, kept)
        return kept.found

    async def _of_token(self, token: str) -> _Kept:
        claims = self._codec.read(token)
        standing = await self._standing(claims)
        found = AuthenticatedActor(standing.actor, claims.expires_at_us)
        return _Kept(found, standing.hangs_on, claims.expires_at_us)

    async def _of_key(self, key: str) -> _Kept:
        if self._api_keys is None:
            raise Unauthorized("Invalid or missing token")
        actor, expires_at_us, look_again_us = await self._api_keys.standing(key)
        found = AuthenticatedActor(actor, expires_at_us)
        return _Kept(found, frozenset({actor.id}), look_again_us)

    async def _standing(self, claims: TokenClaims) -> Standing:
        source = self._sources.get(claims.kind)
        if source is None:
            raise Unauthorized("Invalid or missing token")
        return await source.standing(claims)

    def _keep(self, token: str, kept: _Kept) -> None:
        self._cache[token] = kept
        if len(self._cache) > self._capacity:
            self._cache.popitem(last=False)

    def _heed(self, rows: Sequence[LogRow]) -> None:
        ended = {row.key for row in rows if self._ends_tokens(row)}
        if ended:
            self._drop(ended)

    def _drop(self, ended: set[str]) -> None:
        self._epoch += 1
        stale = [token for token, kept in self._cache.items() if kept.hangs_on & ended]
        for token in stale:
            del self._cache[token]

    def _ends_tokens(self, row: LogRow) -> bool:
        if row.stream == events.STREAM and row.kind in events.ENDS_TOKENS:
            return True
        return any(
            row.stream == source.stream and row.kind in source.ends_tokens
            for source in self._sources.values()
        )

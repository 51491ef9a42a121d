"""From a token to who stands behind it, on the hot path of every call.

A token is verified and its subject looked up once; after that it is one look into a table and a
comparison with the clock. A fact in the log that ends a subject's tokens drops them from it.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from domain.identity import events, repository, rules
from domain.identity.ports import AuthenticatedActor, IssuedToken, TokenClaims, TokenKind
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


class ActorSource(Protocol):
    """Looks up the subject of verified claims. `stream` and `ends_tokens` name the facts, keyed
    by the subject, after which its tokens must be looked at anew."""

    stream: str
    ends_tokens: frozenset[str]

    async def actor(self, claims: TokenClaims) -> Actor:
        """Raises Unauthorized when the subject is gone, closed, or the token outdated."""


class UserSource:
    """Users of this installation's database."""

    stream = events.STREAM
    ends_tokens = events.ENDS_TOKENS

    def __init__(self, database: Database) -> None:
        self._database = database

    async def actor(self, claims: TokenClaims) -> Actor:
        user = await self._user(claims.subject)
        if user is None or user.disabled_at_us is not None:
            raise Unauthorized("Invalid or missing token")
        if user.token_generation != claims.generation:
            raise Unauthorized("Invalid or missing token")
        return rules.actor_of(user)

    async def _user(self, user_id: str) -> UserRow | None:
        if not is_id(user_id):
            return None
        async with self._database.read() as session:
            return await repository.user(session, user_id)


class Tokens:
    """A `TokenService`. A kind of token without a source opens nothing."""

    def __init__(
        self,
        keys: KeyRing,
        settings: TokenSettings,
        clock: Clock,
        sources: Mapping[TokenKind, ActorSource],
        *,
        cached_tokens: int = CACHED_TOKENS,
    ) -> None:
        self._keys = keys
        self._settings = settings
        self._clock = clock
        self._sources = sources
        self._codec = JwtCodec(keys, settings, clock)
        self._capacity = cached_tokens
        self._cache: OrderedDict[str, AuthenticatedActor] = OrderedDict()
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

    def known(self, token: str) -> AuthenticatedActor | None:
        """Without any waiting, if the token was seen before and is still good."""
        found = self._cache.get(token)
        if found is None:
            return None
        if found.expires_at_us <= self._clock.now_us():
            del self._cache[token]
            return None
        self._cache.move_to_end(token)
        return found

    async def actor(self, token: str) -> AuthenticatedActor:
        found = self.known(token)
        return found if found is not None else await self._look_up(token)

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
        claims = self._codec.read(token)
        source = self._sources.get(claims.kind)
        if source is None:
            raise Unauthorized("Invalid or missing token")
        epoch = self._epoch
        found = AuthenticatedActor(await source.actor(claims), claims.expires_at_us)
        # A fact that came while the row was read may have ended what is about to be kept.
        if epoch == self._epoch:
            self._keep(token, found)
        return found

    def _keep(self, token: str, found: AuthenticatedActor) -> None:
        self._cache[token] = found
        if len(self._cache) > self._capacity:
            self._cache.popitem(last=False)

    def _heed(self, rows: Sequence[LogRow]) -> None:
        ended = {row.key for row in rows if self._ends_tokens(row)}
        if ended:
            self._drop(ended)

    def _drop(self, ended: set[str]) -> None:
        self._epoch += 1
        stale = [token for token, found in self._cache.items() if found.actor.id in ended]
        for token in stale:
            del self._cache[token]

    def _ends_tokens(self, row: LogRow) -> bool:
        return any(
            row.stream == source.stream and row.kind in source.ends_tokens
            for source in self._sources.values()
        )

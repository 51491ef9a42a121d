"""What identity needs from outside: password hashing, signed tokens, a brake on guessing."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol

from domain.identity.oauth.ports import OAuthServices
from domain.identity.oauth.rows import ClientRow, GrantRow
from domain.identity.rows import UserRow
from domain.kernel.actor import Actor


class TokenKind(StrEnum):
    """A CLIENT's token is its own, a GRANT's a user's by way of a client."""

    CLIENT = "client"
    DEVICE = "device"
    GRANT = "grant"
    USER = "user"


OAUTH_KINDS: Final = frozenset({TokenKind.CLIENT, TokenKind.GRANT})
"""Those that the token endpoint issues, with scopes."""


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """A token's content. `customer` is the public id; `generation` is the subject's at issue.

    What the token endpoint issues also names its `client`, its `scope` (words with blanks
    between), the `issuer` where that is the address it was asked at, and the `grant` it hangs on.
    """

    kind: TokenKind
    subject: str
    name: str
    customer: str
    role: str | None
    generation: int
    token_id: str
    issued_at_us: int
    expires_at_us: int
    client: str | None = None
    scope: str | None = None
    grant: str | None = None
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class AuthenticatedActor:
    """Who a token or a key stands for, and until when: whoever still listens then has to come
    again."""

    actor: Actor
    expires_at_us: int


class InspectedToken(NamedTuple):
    """An access token that is good right now, with what it says."""

    claims: TokenClaims
    actor: Actor
    issuer: str
    audience: str


class IssuedToken(NamedTuple):
    token: str
    expires_at_us: int


class PasswordCheck(NamedTuple):
    """`new_hash` is set when the password was right but its hash has outdated parameters."""

    matches: bool
    new_hash: str | None


class PasswordService(Protocol):
    """Costly on purpose and off the loop. Both raise Unavailable when too many wait."""

    async def hash(self, password: str) -> str: ...

    async def check(self, password: str, stored: str | None) -> PasswordCheck:
        """With `stored` None (no such user) it costs the same and never matches."""


class TokenService(Protocol):
    """Signed with a key of this installation; anyone can verify with the published ones."""

    def issue(self, user: UserRow) -> IssuedToken: ...

    def issue_device(
        self, device_id: str, name: str, customer: str, *, generation: int = 0
    ) -> IssuedToken:
        """`customer` is the public id."""

    def issue_client(self, client: ClientRow, scope: str, issuer: str) -> IssuedToken: ...

    def issue_granted(
        self, grant: GrantRow, user: UserRow, client: ClientRow, scope: str, issuer: str
    ) -> IssuedToken: ...

    async def actor(self, token: str) -> AuthenticatedActor:
        """Of a token or an API key. Raises Unauthorized for all that is not good right now."""

    async def inspect(self, token: str) -> InspectedToken:
        """Of an access token. Raises Unauthorized for all that is not good right now."""

    def forget(self, subject: str) -> None:
        """Right after a commit that ended what hangs on the subject (a user, a device, a client, a
        grant, a token's id, an API key): this process does not wait for the log, by which all
        others learn of it."""

    def jwks(self) -> dict[str, Any]:
        """The public keys, RFC 7517."""


class LoginThrottle(Protocol):
    def attempt(self, username: str, address: str) -> AbstractAsyncContextManager[None]:
        """Around one login. Raises RateLimited at entry; leaving by Unauthorized is a failure and
        counts, leaving well forgets the username's failures, other errors do not count."""

    def attempt_by_program(self, address: str) -> AbstractAsyncContextManager[None]:
        """The same around one authentication by a secret that nobody can guess: only failures of
        one address are counted. Whoever knows a client's id, which is no secret, could otherwise
        close it out, and it may log in many times at once."""

    async def worth_reporting(self, username: str) -> bool:
        """Whether a failure may take room in the log and the journal: a flood may not."""


class SecretMacs(Protocol):
    """HMAC-SHA256 under a key of this installation that is in no database. Only for secrets of
    256 random bits: it is fast on purpose."""

    def of(self, purpose: str, secret: str) -> str:
        """64 hexadecimal digits; another purpose gives others."""


@dataclass(frozen=True, slots=True)
class IdentityServices:
    """What the resolvers of identity are handed."""

    passwords: PasswordService
    tokens: TokenService
    throttle: LoginThrottle
    macs: SecretMacs
    oauth: OAuthServices | None = None
    """Of a factory; an edge has no token endpoint."""

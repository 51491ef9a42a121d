"""What identity needs from outside: password hashing, signed tokens, a brake on guessing."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from domain.identity.rows import UserRow
from domain.kernel.actor import Actor


class TokenKind(StrEnum):
    USER = "user"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """A token's content. `customer` is the public id; `generation` is the subject's at issue."""

    kind: TokenKind
    subject: str
    name: str
    customer: str
    role: str | None
    generation: int
    token_id: str
    issued_at_us: int
    expires_at_us: int


@dataclass(frozen=True, slots=True)
class AuthenticatedActor:
    """Who a token stands for, and until when."""

    actor: Actor
    expires_at_us: int


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

    async def actor(self, token: str) -> AuthenticatedActor:
        """Raises Unauthorized for every token that is not good right now."""

    def forget(self, subject: str) -> None:
        """Right after a commit that ended the subject's tokens: this process does not wait for
        the log, by which all others learn of it."""

    def jwks(self) -> dict[str, Any]:
        """The public keys, RFC 7517."""


class LoginThrottle(Protocol):
    def attempt(self, username: str, address: str) -> AbstractAsyncContextManager[None]:
        """Around one login. Raises RateLimited at entry; leaving by Unauthorized is a failure and
        counts, leaving well forgets the username's failures, other errors do not count."""

    async def worth_reporting(self, username: str) -> bool:
        """Whether a failure may take room in the log and the journal: a flood may not."""


@dataclass(frozen=True, slots=True)
class IdentityServices:
    """What the resolvers of identity are handed."""

    passwords: PasswordService
    tokens: TokenService
    throttle: LoginThrottle

"""What judges requests to the OAuth endpoints after the RFCs, and what it has to ask for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from domain.identity.oauth.rows import ClientCredentialRow, ClientRow, RefreshRow
from domain.identity.rows import UserRow
from domain.kernel.errors import DomainError, ErrorCode, Unauthorized

INVALID_CLIENT = "invalid_client"
INVALID_GRANT = "invalid_grant"
INVALID_REQUEST = "invalid_request"


class OAuthRefused(DomainError):
    """`error` is a code of RFC 6749 section 5.2, the message its description in plain ASCII."""

    code = ErrorCode.VALIDATION_ERROR

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description, error=error)
        self.error = error


class RefreshTokenReused(OAuthRefused):
    """The client showed its own refresh token, which had been used before."""

    def __init__(self, shown: RefreshRow) -> None:
        super().__init__(INVALID_GRANT, "The refresh token is not good any more")
        self.shown = shown


class ClientRefused(Unauthorized):
    """Unknown, disabled, or a wrong secret: which one is not told. RFC 6749's invalid_client."""


@dataclass(frozen=True, slots=True)
class OAuthRequest:
    """`form` holds each parameter once, none of them empty; `authorization` is the header's value.
    `issuer` is this server as the client has addressed it, `address` where the client is."""

    form: Mapping[str, str]
    authorization: str | None
    issuer: str
    address: str


@dataclass(frozen=True, slots=True)
class TokenDecision:
    """What may be issued. `granted` is what the grant allows and the refresh token keeps, `scopes`
    what the access token carries. Without a `user` it is the client's own; `shown` is the refresh
    token that is to be replaced."""

    client: ClientRow
    scopes: str
    granted: str
    user: UserRow | None = None
    shown: RefreshRow | None = None


@dataclass(frozen=True, slots=True)
class FoundToken:
    """A token that is good right now, of either kind. `about` is what RFC 7662 section 2.2 names;
    `client_id` is None for one that no client was issued."""

    client_id: str | None
    customer_public_id: str
    about: Mapping[str, Any]
    token_id: str = ""
    expires_at_us: int = 0
    refresh: RefreshRow | None = None


@dataclass(frozen=True, slots=True)
class Revocation:
    """`token` is None where there is nothing to revoke: that is no error."""

    client: ClientRow
    token: FoundToken | None


class Lookups(Protocol):
    """What the protocol does not know by itself."""

    async def client(self, client_id: str) -> ClientCredentialRow | None: ...

    async def user(self, client: ClientRow, username: str, password: str) -> UserRow | None:
        """With the right password, of the client's customer. Raises RateLimited."""

    async def refresh_token(self, token: str) -> RefreshRow | None: ...

    async def token(self, token: str) -> FoundToken | None:
        """An access token or a refresh token."""


class OAuthProtocol(Protocol):
    """RFC 6749, 7009 and 7662. Each raises OAuthRefused or ClientRefused, changes nothing, and
    asks for a password only once the client is known."""

    async def token(self, request: OAuthRequest, lookups: Lookups) -> TokenDecision: ...

    async def revocation(self, request: OAuthRequest, lookups: Lookups) -> Revocation: ...

    async def introspection(self, request: OAuthRequest, lookups: Lookups) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class OAuthServices:
    """`refresh_lifetime_s` is counted from the last refresh."""

    protocol: OAuthProtocol
    refresh_lifetime_s: int

"""Authlib's authorization server on the facts of one request.

It judges and changes nothing: what it would save is the decision, what it would send are the
errors of `domain.identity.oauth.ports`. It never sees a token that is issued, so it logs none.
"""

from typing import Any, Final, NoReturn

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidScopeError,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc6749.grants import (
    ClientCredentialsGrant,
    RefreshTokenGrant,
    ResourceOwnerPasswordCredentialsGrant,
)

from domain.identity.oauth import rules
from domain.identity.oauth.ports import (
    ClientRefused,
    Lookups,
    OAuthRefused,
    RefreshTokenReused,
    TokenDecision,
)
from domain.identity.ports import SecretMacs
from domain.identity.rows import UserRow
from domain.kernel.text import is_storable
from drivers.identity.oauth.facts import Facts
from drivers.identity.oauth.library import AUTH_METHODS, Client, RefreshToken, Request

GRANT_TYPES: Final = ("client_credentials", "password", "refresh_token")
REFUSED: Final = "Client authentication failed"
NOT_GOOD: Final = "The refresh token is not good any more"


class Server(AuthorizationServer):
    """Made anew for each request."""

    def __init__(self, lookups: Lookups, macs: SecretMacs, now_us: int) -> None:
        super().__init__()
        self.facts = Facts()
        self.lookups = lookups
        self.now_us = now_us
        self.decision: TokenDecision | None = None
        self._macs = macs
        for grant in (ByCredentials, ByPassword, ByRefreshToken):
            self.register_grant(grant)
        self.register_token_generator("default", _no_token)

    def query_client(self, client_id: str) -> Client:
        if len(client_id) > rules.MAX_CLIENT_ID or not is_storable(client_id):
            return Client(None, self._macs)
        found = self.facts.get(("client", client_id), lambda: self.lookups.client(client_id))
        return Client(found, self._macs)

    def create_oauth2_request(self, request: Any) -> Any:
        return request

    def send_signal(self, name: str, *args: Any, **about: Any) -> None:
        """Who the client is, as soon as that is known."""
        if name == "after_authenticate_client":
            about["grant"].request.client = about["client"]

    def save_token(self, _token: Any, request: Request) -> None:
        client, shown = request.client.row, request.refresh_token
        granted = request.scope if shown is None else shown.get_scope()
        row = None if shown is None else shown.row
        self.decision = TokenDecision(client, request.scope, granted, request.user, row)

    def handle_response(self, _status: int, body: Any, _headers: Any) -> Any:
        return body

    def handle_error_response(self, _request: Any, error: OAuth2Error) -> NoReturn:
        raise refusal(error)


def _no_token(**_about: Any) -> dict[str, str]:
    return {"token_type": "Bearer"}


def refusal(error: OAuth2Error) -> Exception:
    """Ours for the library's. What it says of a client or a grant type is not repeated: it would
    tell unknown clients from known ones, and strangers their own words."""
    if isinstance(error, InvalidClientError):
        return ClientRefused(REFUSED)
    if isinstance(error, UnsupportedGrantTypeError):
        return OAuthRefused(str(error.error), "This grant type is not supported")
    return OAuthRefused(str(error.error), error.get_error_description() or "Refused")


class _WithScopes:
    """For all grants: what is asked for must be within what the client may be given."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    request: Request
    server: Server

    def validate_requested_scope(self) -> None:
        asked = self.request.payload.scope
        scopes = rules.granted_scopes(self.request.client.row.scopes, asked)
        if scopes is None:
            raise InvalidScopeError("The client may not have this scope")
        self.request.scope = scopes


class ByCredentials(_WithScopes, ClientCredentialsGrant):
    """RFC 6749 section 4.4."""


class ByPassword(_WithScopes, ResourceOwnerPasswordCredentialsGrant):
    """RFC 6749 section 4.3."""

    def authenticate_user(self, username: str, password: str) -> UserRow:
        """Called once the client is known. Section 5.2 has invalid_grant for a wrong password."""
        lookups, client = self.server.lookups, self.request.client.row
        found = self.server.facts.get(
            ("user", username, password), lambda: lookups.user(client, username, password)
        )
        if found is None:
            raise InvalidGrantError("Invalid username or password")
        return found

    def validate_requested_scope(self) -> None:
        """The user cannot allow the client what the user may not."""
        super().validate_requested_scope()
        scopes = rules.scopes_of_user(self.request.scope, self.request.user)
        if not scopes:
            raise InvalidScopeError("The user may nothing of this scope")
        self.request.scope = scopes


class ByRefreshToken(_WithScopes, RefreshTokenGrant):
    """RFC 6749 section 6, each token good once."""

    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        lookups = self.server.lookups
        found = self.server.facts.get(
            ("refresh", refresh_token), lambda: lookups.refresh_token(refresh_token)
        )
        return None if found is None else RefreshToken(found)

    def validate_token_request(self) -> None:
        super().validate_token_request()
        shown = self.request.refresh_token
        if shown.row.used_at_us is not None:
            raise RefreshTokenReused(shown.row)
        if not rules.is_good(shown.row, self.server.now_us):
            raise InvalidGrantError(NOT_GOOD)
        self.request.scope = rules.granted_scopes(shown.get_scope(), self.request.payload.scope)

    def authenticate_user(self, refresh_token: RefreshToken) -> UserRow:
        return refresh_token.row.user

    def revoke_old_credential(self, _refresh_token: RefreshToken) -> None:
        """A part of the decision: whoever issues the new one does it, in one transaction."""

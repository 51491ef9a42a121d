"""Revocation (RFC 7009) and introspection (RFC 7662), as far as they are judged by Authlib."""

from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from drivers.identity.oauth.library import AUTH_METHODS, Client, Request, Token
from drivers.identity.oauth.server import Server


class _ForTokens:
    """Both find a token of whichever kind by itself, so that a hint is of no use: RFC 7009
    section 2.1 and RFC 7662 section 2.1 have one that is wrong or unknown ignored."""

    CLIENT_AUTH_METHODS = AUTH_METHODS
    server: Server

    def check_params(self, request: Request, _client: Client) -> None:
        if "token" not in request.form:
            raise InvalidRequestError("Missing 'token' in request.")

    def query_token(self, token_string: str, _token_type_hint: str | None) -> Token | None:
        server = self.server
        found = server.facts.get(
            ("token", token_string), lambda: server.lookups.token(token_string)
        )
        return None if found is None else Token(found)


class Revocation(_ForTokens, RevocationEndpoint):
    """Who issues tokens revokes them: `revoked` is what is to be done."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.client: Client | None = None
        self.revoked: Token | None = None

    def authenticate_endpoint_client(self, request: Request) -> Client:
        found: Client = super().authenticate_endpoint_client(request)
        self.client = found
        return found

    def revoke_token(self, token: Token, _request: Request) -> None:
        self.revoked = token


class Introspection(_ForTokens, IntrospectionEndpoint):
    """A client may know of every token of its customer: whoever is shown one has to ask."""

    def check_permission(self, token: Token, client: Client, _request: Request) -> bool:
        return token.found.customer_public_id == client.row.customer_public_id

    def introspect_token(self, token: Token) -> dict[str, Any]:
        return token.about()

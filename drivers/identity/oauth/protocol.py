"""`OAuthProtocol` by Authlib, and what RFC 6749 asks beyond what the library looks at."""

import binascii
from base64 import b64decode
from typing import Any, Final
from urllib.parse import unquote

from domain.identity.oauth.ports import (
    INVALID_REQUEST,
    ClientRefused,
    Lookups,
    OAuthRefused,
    OAuthRequest,
    Revocation,
    TokenDecision,
)
from domain.identity.ports import SecretMacs
from domain.kernel.clock import Clock
from drivers.identity.oauth import endpoints
from drivers.identity.oauth.library import Request
from drivers.identity.oauth.server import REFUSED, Server

BASIC: Final = "basic"


class AuthlibProtocol:
    """Each call judges one request. `lookups` are asked only for what the judgement needs."""

    def __init__(self, macs: SecretMacs, clock: Clock) -> None:
        self._macs = macs
        self._clock = clock

    async def token(self, request: OAuthRequest, lookups: Lookups) -> TokenDecision:
        given, server = _checked(request), self._server(lookups)
        if "grant_type" not in request.form:
            raise OAuthRefused(INVALID_REQUEST, "Missing 'grant_type' in request.")
        await server.facts.decided(lambda: server.create_token_response(given))
        if server.decision is None:
            raise AssertionError("the library neither decided nor refused")
        return server.decision

    async def revocation(self, request: OAuthRequest, lookups: Lookups) -> Revocation:
        given, server = _checked(request), self._server(lookups)
        endpoint = endpoints.Revocation(server)
        server.register_endpoint(endpoint)
        await server.facts.decided(lambda: server.create_endpoint_response("revocation", given))
        if endpoint.client is None:
            raise AssertionError("the library asked for no client")
        revoked = None if endpoint.revoked is None else endpoint.revoked.found
        return Revocation(endpoint.client.row, revoked)

    async def introspection(self, request: OAuthRequest, lookups: Lookups) -> dict[str, Any]:
        given, server = _checked(request), self._server(lookups)
        server.register_endpoint(endpoints.Introspection(server))
        found: dict[str, Any] = await server.facts.decided(
            lambda: server.create_endpoint_response("introspection", given)
        )
        return found

    def _server(self, lookups: Lookups) -> Server:
        return Server(lookups, self._macs, self._clock.now_us())


def _checked(request: OAuthRequest) -> Request:
    """RFC 6749 section 2.3: a client shows its secret in one way only. Raises OAuthRefused, or
    ClientRefused for a header that names nobody."""
    client_id = basic_client(request.authorization)
    if client_id is None:
        return Request(request.form)
    if "client_secret" in request.form:
        raise OAuthRefused(INVALID_REQUEST, "The client must use one way to authenticate")
    if request.form.get("client_id", client_id) != client_id:
        raise OAuthRefused(INVALID_REQUEST, "The request names two clients")
    return Request(request.form, request.authorization)


def basic_client(header: str | None) -> str | None:
    """The client id of a Basic header, None for no such header. Raises ClientRefused for one that
    is malformed, on which the library would break."""
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != BASIC:
        return None
    try:
        client_id, colon, _ = b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise ClientRefused(REFUSED) from error
    if not colon:
        raise ClientRefused(REFUSED)
    return unquote(client_id)

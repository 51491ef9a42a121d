"""What programs look up before they ask: the keys that verify our tokens (RFC 7517), and where
which tokens are to be had (RFC 8414, and the same for clients of OpenID Connect)."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from compat_rest.kernel.addresses import origin_of
from domain.identity.mappings import SCOPES
from domain.identity.ports import TokenService

TOKEN: Final = "/oauth2/token"  # noqa: S105 - a path
REVOKE: Final = "/oauth2/revoke"
INTROSPECT: Final = "/oauth2/introspect"
JWKS: Final = "/.well-known/jwks.json"
METADATA: Final = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
AUTH_METHODS: Final = ["client_secret_basic", "client_secret_post"]
CACHED: Final = {"Cache-Control": "public, max-age=300"}


def well_known_routes(tokens: TokenService) -> list[Route]:
    async def jwks(_request: Request) -> Response:
        return JSONResponse(tokens.jwks(), headers=CACHED)

    return [Route(JWKS, jwks)]


def metadata_routes(public_url: str) -> list[Route]:
    """Where there is a token endpoint."""

    async def metadata(request: Request) -> Response:
        # Another Host gets another answer, which no cache may hand to the next.
        headers = {"Cache-Control": "no-store", "Vary": "Host"}
        return JSONResponse(server_metadata(origin_of(request, public_url)), headers=headers)

    return [Route(path, metadata) for path in METADATA]


def server_metadata(issuer: str) -> dict[str, Any]:
    """Nobody is sent to a login page: `none` stands for that, as the member is required."""
    return {
        "issuer": issuer,
        "jwks_uri": issuer + JWKS,
        "token_endpoint": issuer + TOKEN,
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "revocation_endpoint": issuer + REVOKE,
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "introspection_endpoint": issuer + INTROSPECT,
        "introspection_endpoint_auth_methods_supported": AUTH_METHODS,
        "grant_types_supported": ["client_credentials", "password", "refresh_token"],
        "response_types_supported": ["none"],
        "scopes_supported": list(SCOPES),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }

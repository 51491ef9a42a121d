"""The keys that verify our tokens, RFC 7517."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.identity.ports import TokenService


def well_known_routes(tokens: TokenService) -> list[Route]:
    async def jwks(_request: Request) -> Response:
        return JSONResponse(tokens.jwks(), headers={"Cache-Control": "public, max-age=300"})

    return [Route("/.well-known/jwks.json", jwks)]

"""How every face gets its contexts: a token to an actor, an actor to a context."""

import structlog
from starlette.requests import HTTPConnection

from domain.kernel.actor import ANONYMOUS
from domain.kernel.errors import Unauthorized
from graph.context import Context, Services


class ServiceEntry:
    """One per process; REST dialects use `context`, the GraphQL transports call it."""

    def __init__(self, services: Services) -> None:
        self.services = services

    async def context(self, token: str | None) -> Context:
        correlation_id = structlog.contextvars.get_contextvars().get("correlation_id", "")
        if token is None:
            return Context(ANONYMOUS, self.services, correlation_id)
        known = await self.services.identity.tokens.actor(token)
        return Context(known.actor, self.services, correlation_id, known.expires_at_us)

    async def __call__(self, authorization: str | None, connection: HTTPConnection) -> Context:
        """`authorization` is a header's value, or what connection_init carried."""
        context = await self.context(_token(authorization))
        context.client_address = connection.client.host if connection.client else ""
        return context


def _token(authorization: str | None) -> str | None:
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("Invalid or missing token")
    return token.strip()

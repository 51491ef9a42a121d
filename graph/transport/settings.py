"""What the transports are told by the composition root."""

from dataclasses import dataclass
from typing import Protocol

from starlette.requests import HTTPConnection

from graph.execution import EngineContext


class ContextFactory(Protocol):
    """Makes the context of one request, or of one connection."""

    async def __call__(
        self, authorization: str | None, connection: HTTPConnection
    ) -> EngineContext:
        """`authorization` as in the HTTP header ("Bearer …"), None when there is none: then the
        actor is anonymous. Raises Unauthorized for a token that is not valid."""


@dataclass(frozen=True, slots=True)
class TransportSettings:
    path: str = "/graphql"
    graphiql: bool = True
    first_operations: tuple[str, ...] = ()
    """What GraphiQL opens with, a tab each."""
    max_body_bytes: int = 1_000_000
    """Of a POST body, a query string and a WebSocket message."""
    allowed_origins: frozenset[str] | None = None
    """Origins that may open a WebSocket: None for the server's own, "*" for any. A client that
    sends no Origin is no browser and may always."""
    init_timeout_s: float = 10.0
    """From the handshake to connection_init."""
    drain_timeout_s: float = 30.0
    """A socket that takes nothing for so long is given up."""
    heartbeat_s: float = 15.0
    """Between two comments on a silent event stream."""
    max_operations: int = 100
    """At once on one WebSocket."""

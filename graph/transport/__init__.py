"""GraphQL over HTTP, WebSocket and server-sent events, as plain Starlette routes."""

from graph.transport.routes import graphql_routes
from graph.transport.settings import ContextFactory, TransportSettings

__all__ = ["ContextFactory", "TransportSettings", "graphql_routes"]

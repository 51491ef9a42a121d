"""The routes of the graph, for any Starlette or FastAPI application."""

from starlette.routing import BaseRoute, Route, WebSocketRoute

from graph.execution import Engine
from graph.transport.graphiql import static_files
from graph.transport.http import GraphQLEndpoint
from graph.transport.settings import ContextFactory, TransportSettings
from graph.transport.websocket import WebSocketEndpoint


def graphql_routes(
    engine: Engine, context_factory: ContextFactory, settings: TransportSettings | None = None
) -> list[BaseRoute]:
    """POST, GET, event streams and `graphql-transport-ws` on one path; GraphiQL's files below."""
    settings = settings or TransportSettings()
    routes: list[BaseRoute] = [
        Route(settings.path, GraphQLEndpoint(engine, context_factory, settings)),
        WebSocketRoute(settings.path, WebSocketEndpoint(engine, context_factory, settings)),
    ]
    if settings.graphiql:
        routes.append(static_files(settings.path))
    return routes

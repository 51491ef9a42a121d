"""The application of a port: the graph, a dialect at the root, and what shows how it is."""

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from compat_rest.kernel.auth import Surface
from compat_rest.kernel.dialect import Dialect
from compat_rest.kernel.direct import direct_calls
from compat_rest.kernel.documentation import documentation_routes
from compat_rest.kernel.limits import NONE, BodyLimit
from graph.engine import GraphSettings, build_engine
from graph.transport.routes import graphql_routes
from graph.transport.settings import TransportSettings
from oktograph.documents import trusted_documents
from oktograph.runtime import Runtime
from oktograph.settings import Settings
from oktograph.web.backups import backup_routes
from oktograph.web.observability import Metrics, Observed
from oktograph.web.well_known import well_known_routes

NOTHING: Final[Mapping[str, ASGIApp]] = {}


class FirstSegment:
    """Sends a path to the application that owns its first segment, else to the last one.

    A dialect owns whatever is left, so that unknown paths are refused in its own shape. `direct`
    is called at once for its very path: it needs nothing of an application around it."""

    def __init__(self, owners: Mapping[str, ASGIApp], rest: ASGIApp, direct: Route) -> None:
        self._owners = owners
        self._rest = rest
        self._direct = direct

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == self._direct.path and scope["type"] == "http":
            scope["route"] = self._direct
            await self._direct.app(scope, receive, send)
            return
        segment = scope["path"].split("/", 2)[1] if scope["path"].startswith("/") else ""
        await self._owners.get(segment, self._rest)(scope, receive, send)


class Below:
    """A dialect with its documentation, mounted on `prefix`; `""` for a port of its own."""

    def __init__(self, prefix: str, app: ASGIApp, title: str) -> None:
        self._prefix = prefix
        self._app = app
        self._documentation = Starlette(routes=documentation_routes(title))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # In the caller's own scope, which then has the route that was found.
        scope["root_path"] = scope.get("root_path", "") + self._prefix
        segments = scope["path"].removeprefix(scope["root_path"]).split("/", 2)
        app = self._documentation if segments[:2] == ["", "docs"] else self._app
        await app(scope, receive, send)


def limited(
    runtime: Runtime, dialect: Dialect, larger: Mapping[tuple[str, str], int] = NONE
) -> ASGIApp:
    """A dialect with the runtime's entry and bounds; `larger` are its routes that take more bytes
    than others."""
    app = Surface(direct_calls(dialect), runtime.entry)
    return BodyLimit(app, dialect.errors, runtime.settings.max_body_bytes, larger)


def alone(dialect: Dialect, app: ASGIApp) -> ASGIApp:
    """A dialect, which `app` serves, on a port of its own."""
    return Observed(Below("", app, dialect.title), Metrics())


def port_app(
    runtime: Runtime,
    dialect: Dialect,
    app: ASGIApp,
    metrics: Metrics,
    operations: tuple[str, ...],
    more: Sequence[BaseRoute] = (),
    mounted: Mapping[str, ASGIApp] = NOTHING,
) -> ASGIApp:
    """The graph, dialects at their own segments, and at the root `dialect`, which `app` serves, for
    all that is not the graph's, theirs or the operator's."""
    settings = runtime.settings
    engine = build_engine(runtime.services, _graph(settings))
    graph = graphql_routes(engine, runtime.entry, _transport(settings, operations))
    others: list[BaseRoute] = [
        *graph,
        *documentation_routes(dialect.title),
        *well_known_routes(runtime.services.identity.tokens),
        *backup_routes(runtime.entry),
        Route("/metrics", metrics.page),
        *more,
    ]
    shared = Starlette(routes=others)
    endpoint = next(route for route in graph if isinstance(route, Route))
    owned: tuple[str, ...] = ("graphql", "docs", "metrics", "backups", ".well-known")
    owned += ("oauth2",) if more else ()
    owners: dict[str, ASGIApp] = {**mounted, **dict.fromkeys(owned, shared)}
    return Observed(FirstSegment(owners, app, endpoint), metrics)


def _graph(settings: Settings) -> GraphSettings:
    trusted = trusted_documents() if settings.graphql_trusted_only else None
    return GraphSettings(introspection=settings.graphql_introspection, trusted=trusted)


def _transport(settings: Settings, operations: tuple[str, ...]) -> TransportSettings:
    origins = frozenset(settings.allowed_origins) or None
    return TransportSettings(
        graphiql=settings.graphql_ide,
        first_operations=operations,
        max_body_bytes=settings.max_body_bytes,
        allowed_origins=origins,
        drain_timeout_s=settings.drain_timeout_s,
    )

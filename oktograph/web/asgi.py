"""The applications of a port: the graph, the dialect, and what shows how it is."""

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from compat_rest.insight.app import DIALECT as INSIGHT
from compat_rest.insight.app import guarded as with_cors
from compat_rest.insight.routes import config_files
from compat_rest.kernel.auth import Surface
from compat_rest.kernel.dialect import Dialect
from compat_rest.kernel.direct import direct_calls
from compat_rest.kernel.documentation import documentation_routes
from compat_rest.kernel.limits import NONE, BodyLimit
from compat_rest.okto_edge.app import DIALECT as EDGE
from compat_rest.okto_factory.app import DIALECT as FACTORY
from compat_rest.okto_factory.app import larger_bodies
from compat_rest.ontakt.app import DIALECT as ONTAKT
from compat_rest.otao import app as otao
from compat_rest.otao.app import DIALECT as OTAO
from compat_rest.updates import app as updates
from compat_rest.updates.app import DIALECT as UPDATES
from compat_rest.valtronics.app import DIALECT as VALTRONICS
from compat_rest.valtronics.app import guarded as rate_limited
from graph.engine import GraphSettings, build_engine
from graph.transport.routes import graphql_routes
from graph.transport.settings import TransportSettings
from oktograph.documents import trusted_documents
from oktograph.edge.runtime import EdgeRuntime
from oktograph.factory.runtime import FactoryRuntime
from oktograph.runtime import Runtime
from oktograph.settings import Settings
from oktograph.web.backups import backup_routes
from oktograph.web.console import edge_operations, factory_operations
from oktograph.web.oauth import oauth_routes
from oktograph.web.observability import Metrics, Observed
from oktograph.web.well_known import metadata_routes, well_known_routes

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


MOUNTED: Final[Mapping[str, Dialect]] = {
    "insight": INSIGHT,
    "ontakt": ONTAKT,
    "otao": OTAO,
    "updates": UPDATES,
    "valtronics": VALTRONICS,
}
"""The factory's dialects besides the one at its root, by the first segment of their paths."""


def edge_app(runtime: EdgeRuntime) -> ASGIApp:
    """Everything the edge's port answers."""
    return _port(runtime, EDGE, edge_operations(demo=runtime.settings.demo))


def factory_app(runtime: FactoryRuntime) -> ASGIApp:
    """Everything the factory's port answers."""
    mounted = {
        name: Below(f"/{name}", _dialect(runtime, one), one.title) for name, one in MOUNTED.items()
    }
    operations = factory_operations(demo=runtime.settings.demo)
    public_url = runtime.settings.public_url
    tokens = [*oauth_routes(runtime.entry, public_url), *metadata_routes(public_url)]
    return _port(runtime, FACTORY, operations, tokens, mounted)


def dialect_only(runtime: Runtime, dialect: Dialect) -> ASGIApp:
    """A dialect alone, for a port of its own."""
    return Observed(Below("", _dialect(runtime, dialect), dialect.title), Metrics())


def _port(
    runtime: Runtime,
    dialect: Dialect,
    operations: tuple[str, ...],
    more: Sequence[BaseRoute] = (),
    mounted: Mapping[str, ASGIApp] = NOTHING,
) -> ASGIApp:
    """The graph, dialects at their own segments, and one at the root for all that is not the
    graph's, theirs or the operator's."""
    settings = runtime.settings
    metrics = Metrics()
    gateways = runtime.gateways if isinstance(runtime, FactoryRuntime) else None
    counted = None if gateways is None else gateways.counted
    metrics.watch(runtime.services, runtime.trimmer.removed, counted)
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
    return Observed(FirstSegment(owners, _dialect(runtime, dialect), endpoint), metrics)


def _dialect(runtime: Runtime, dialect: Dialect) -> ASGIApp:
    settings = runtime.settings
    app = Surface(direct_calls(dialect), runtime.entry)
    limited = BodyLimit(app, dialect.errors, settings.max_body_bytes, _larger(dialect, settings))
    if dialect is INSIGHT:
        return with_cors(limited)
    if dialect is OTAO:
        return otao.with_files(limited, runtime.entry)
    if dialect is UPDATES:
        return updates.with_files(limited, runtime.entry)
    if dialect is VALTRONICS and isinstance(runtime, FactoryRuntime):
        return rate_limited(limited, runtime.entry, runtime.rates)
    return limited


def _larger(dialect: Dialect, settings: Settings) -> Mapping[tuple[str, str], int]:
    """The routes of a dialect that take more bytes than others."""
    if dialect is FACTORY:
        return larger_bodies(settings.max_artifact_bytes)
    if dialect is INSIGHT:
        return config_files.larger_bodies(settings.max_config_file_bytes)
    return otao.larger_bodies(settings.max_artifact_bytes) if dialect is OTAO else NONE


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

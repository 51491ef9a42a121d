"""What the factory's port answers: the graph, and all its dialects."""

from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp

from compat_rest.insight.app import DIALECT as INSIGHT
from compat_rest.insight.app import guarded as with_cors
from compat_rest.insight.routes import config_files
from compat_rest.kernel.dialect import Dialect
from compat_rest.kernel.limits import NONE
from compat_rest.okto_factory.app import DIALECT as FACTORY
from compat_rest.okto_factory.app import larger_bodies
from compat_rest.ontakt.app import DIALECT as ONTAKT
from compat_rest.otao import app as otao
from compat_rest.otao.app import DIALECT as OTAO
from compat_rest.updates import app as updates
from compat_rest.updates.app import DIALECT as UPDATES
from compat_rest.valtronics.app import DIALECT as VALTRONICS
from compat_rest.valtronics.app import guarded as rate_limited
from oktograph.factory.runtime import FactoryRuntime
from oktograph.settings import Settings
from oktograph.web.console import factory_operations
from oktograph.web.oauth import oauth_routes
from oktograph.web.observability import Metrics
from oktograph.web.port import Below, alone, limited, port_app
from oktograph.web.well_known import metadata_routes

MOUNTED: Final[Mapping[str, Dialect]] = {
    "insight": INSIGHT,
    "ontakt": ONTAKT,
    "otao": OTAO,
    "updates": UPDATES,
    "valtronics": VALTRONICS,
}
"""The factory's dialects besides the one at its root, by the first segment of their paths."""
SURFACES: Final[Mapping[str, Dialect]] = {"okto-factory": FACTORY, **MOUNTED}
"""What may have a port of its own."""


def factory_app(runtime: FactoryRuntime) -> ASGIApp:
    """Everything the factory's port answers."""
    mounted = {
        name: Below(f"/{name}", _dialect(runtime, one), one.title) for name, one in MOUNTED.items()
    }
    counted = None if runtime.gateways is None else runtime.gateways.counted
    metrics = Metrics()
    metrics.watch(runtime.services, runtime.trimmer.removed, counted)
    operations = factory_operations(demo=runtime.settings.demo)
    public_url = runtime.settings.public_url
    tokens = [*oauth_routes(runtime.entry, public_url), *metadata_routes(public_url)]
    app = _dialect(runtime, FACTORY)
    return port_app(runtime, FACTORY, app, metrics, operations, tokens, mounted)


def dialect_only(runtime: FactoryRuntime, dialect: Dialect) -> ASGIApp:
    """A dialect alone, for a port of its own."""
    return alone(dialect, _dialect(runtime, dialect))


def _dialect(runtime: FactoryRuntime, dialect: Dialect) -> ASGIApp:
    app = limited(runtime, dialect, _larger(dialect, runtime.settings))
    if dialect is INSIGHT:
        return with_cors(app)
    if dialect is OTAO:
        return otao.with_files(app, runtime.entry)
    if dialect is UPDATES:
        return updates.with_files(app, runtime.entry)
    if dialect is VALTRONICS:
        return rate_limited(app, runtime.entry, runtime.rates)
    return app


def _larger(dialect: Dialect, settings: Settings) -> Mapping[tuple[str, str], int]:
    """The routes of a dialect that take more bytes than others."""
    if dialect is FACTORY:
        return larger_bodies(settings.max_artifact_bytes)
    if dialect is INSIGHT:
        return config_files.larger_bodies(settings.max_config_file_bytes)
    return otao.larger_bodies(settings.max_artifact_bytes) if dialect is OTAO else NONE

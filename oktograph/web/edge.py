"""What the edge's port answers."""

from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp

from compat_rest.kernel.dialect import Dialect
from compat_rest.okto_edge.app import DIALECT as EDGE
from oktograph.edge.runtime import EdgeRuntime
from oktograph.web.console import edge_operations
from oktograph.web.observability import Metrics
from oktograph.web.port import alone, limited, port_app

SURFACES: Final[Mapping[str, Dialect]] = {"okto-edge": EDGE}
"""What may have a port of its own."""


def edge_app(runtime: EdgeRuntime) -> ASGIApp:
    """Everything the edge's port answers."""
    metrics = Metrics()
    metrics.watch(runtime.services, runtime.trimmer.removed, None)
    operations = edge_operations(demo=runtime.settings.demo)
    return port_app(runtime, EDGE, limited(runtime, EDGE), metrics, operations)


def dialect_only(runtime: EdgeRuntime, dialect: Dialect) -> ASGIApp:
    """A dialect alone, for a port of its own."""
    return alone(dialect, limited(runtime, dialect))

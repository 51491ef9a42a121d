"""The schema with its engine: what a process answers GraphQL with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graph.context import Services
from graph.documents import DocumentStore
from graph.execution import Engine
from graph.fleet import streams as fleet
from graph.gateways import streams as gateways
from graph.journal import streams as journal
from graph.limits import Limits
from graph.line import streams as line
from graph.production import streams as production
from graph.schema import schema
from graph.software import streams as software
from graph.streams import StreamSource
from graph.sync import streams as sync

STREAM_SOURCES: tuple[StreamSource, ...] = (
    *production.SOURCES,
    *journal.SOURCES,
    *line.SOURCES,
    *sync.SOURCES,
    *fleet.SOURCES,
    *gateways.SOURCES,
    *software.SOURCES,
)


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """`trusted` maps the SHA-256 of a document to its text: where it is given, nothing else is
    executed."""

    introspection: bool = True
    limits: Limits = field(default_factory=Limits)
    trusted: Mapping[str, str] | None = None


def build_engine(services: Services, settings: GraphSettings) -> Engine:
    store = DocumentStore(
        schema._schema,  # Strawberry has no public way to graphql-core's schema
        settings.limits,
        introspection=settings.introspection,
        trusted=settings.trusted,
    )
    return Engine(schema, store, services.streams)

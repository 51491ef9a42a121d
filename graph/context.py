"""What a resolver is handed: who asks, and the services of this process.

Every face builds one per call; resolvers know neither Strawberry nor FastAPI.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from domain.kernel.actor import Actor
from domain.kernel.clock import Clock
from domain.kernel.database import Database, ReadSession
from domain.kernel.fanout import Fanout
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions, UnitOfWork

if TYPE_CHECKING:
    from domain.fleet.config_files.ports import ConfigFileServices
    from domain.fleet.ports import FleetServices
    from domain.gateways.ports import GatewayServices
    from domain.identity.installation.ports import InstallationServices
    from domain.identity.ports import IdentityServices
    from domain.jobs.exports.ports import ExportServices
    from domain.line.ports import EdgePort, LinePort
    from domain.production.operations.scans import ScanIntake
    from domain.production.ports import BatchSource, FleetFigures
    from domain.software.ports import SoftwareServices
    from domain.sync.ports import SyncServices
    from graph.streams import Streams


@dataclass(frozen=True, slots=True)
class Policy:
    """Settings that decide what resolvers allow."""

    mock_mode: bool = False
    industry: str = "milk"
    gs1_company_prefix: str = "2000000"
    origin: str = ""
    """The name of this edge: its running numbers are its own."""
    time_zone: str = "UTC"
    """The site's, IANA: when its day begins."""
    customer_alias: str = ""
    """By which people ask for the installation's own customer before they log in."""
    public_url: str = ""
    """Where this service is reached from outside; whatever address a client has called without."""
    downloads_path: str = ""
    """Where a signed link's file is to be had; empty where there is none."""
    drain_timeout_s: float = 30.0
    """A reader's socket that takes nothing for so long is given up."""


@dataclass(frozen=True, slots=True)
class Build:
    """What runs here and since when."""

    version: str
    started_at_us: int


@dataclass(frozen=True, slots=True)
class Services:
    """Built once by the composition root."""

    database: Database
    transactions: Transactions
    clock: Clock
    tail: LogTail
    fanout: Fanout
    streams: "Streams"
    policy: Policy
    build: Build
    identity: "IdentityServices"
    scans: "ScanIntake"
    sync: "SyncServices"
    line: "LinePort"
    fleet: "FleetServices | None" = None
    """Of a factory; an edge has no fleet."""
    software: "SoftwareServices | None" = None
    """Of a factory too."""
    config_files: "ConfigFileServices | None" = None
    """Of a factory too: files that devices are configured by."""
    gateways: "GatewayServices | None" = None
    """Of a factory too: what lets gateways in."""
    fleet_figures: "FleetFigures | None" = None
    """None where there is no fleet: an edge shows its own queue."""
    exports: "ExportServices | None" = None
    """Of a factory too."""
    edge: "EdgePort | None" = None
    """Of an edge; a factory is none."""
    batches: "BatchSource | None" = None
    """Of an edge: where the batches come from that codes are checked against."""
    installation: "InstallationServices | None" = None
    """Of every whole service; tests build some that are none."""


@dataclass(slots=True)
class Context:
    """One call. `loaders` are made on demand by `graph/<context>/loaders.py`."""

    actor: Actor
    services: Services
    correlation_id: str = ""
    expires_at_us: int | None = None
    client_address: str = ""
    loaders: dict[str, Any] = field(default_factory=dict)

    @property
    def customer_id(self) -> int:
        return self.actor.customer_id

    @property
    def streams(self) -> "Streams":
        return self.services.streams

    def fresh(self, actor: Actor) -> "Context":
        """The same call for `actor`, with loaders of its own."""
        return Context(
            actor, self.services, self.correlation_id, self.expires_at_us, self.client_address
        )

    def read(self) -> AbstractAsyncContextManager[ReadSession]:
        """A short read session."""
        return self.services.database.read()

    def transaction(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """One unit of work: the whole of a write resolver."""
        return self.services.transactions.begin(self.actor)

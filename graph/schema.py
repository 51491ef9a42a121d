"""The one schema: every context's fields, put together."""

from collections.abc import AsyncGenerator

import strawberry
from strawberry.schema.config import StrawberryConfig

from domain.journal.models import Severity
from graph.catalog.fields import CatalogMutation, CatalogQuery
from graph.fleet.config_file_fields import ConfigFileMutation, ConfigFileQuery
from graph.fleet.configuration_types import DeviceConfigStreamItem
from graph.fleet.fields import FleetMutation, FleetQuery
from graph.fleet.types import CommandStreamItem, DeviceStatusStreamItem
from graph.gateways.fields import GatewayMutation, GatewayQuery
from graph.gateways.types import GatewayStreamItem
from graph.identity.fields import IdentityMutation, IdentityQuery
from graph.identity.installation_fields import InstallationMutation, InstallationQuery
from graph.identity.program_fields import ProgramMutation, ProgramQuery
from graph.info import Info
from graph.input_types import prepare_input_types
from graph.jobs.export_fields import ExportMutation, ExportQuery
from graph.jobs.fields import JobsMutation, JobsQuery
from graph.journal.fields import JournalMutation, JournalQuery
from graph.journal.types import EventStreamItem
from graph.line.alarm_fields import AlarmMutation, AlarmQuery
from graph.line.alarm_types import AlarmStreamItem
from graph.line.cabinet_fields import CabinetMutation, CabinetQuery
from graph.line.device_fields import HardwareMutation, HardwareQuery
from graph.line.fields import EdgeMutation, EdgeQuery, LineQuery
from graph.line.printer_fields import PrinterMutation, PrinterQuery
from graph.node import NodeQuery
from graph.production import resolvers as production
from graph.production.buffer_fields import BufferMutation, BufferQuery
from graph.production.buffer_types import BufferStreamItem
from graph.production.fields import ProductionMutation, ProductionQuery, metrics_of
from graph.production.types import BatchStreamItem, Overview, ScanStreamItem
from graph.scalars import SCALARS
from graph.software.endpoint_fields import EndpointSoftwareMutation, EndpointSoftwareQuery
from graph.software.fields import SoftwareMutation, SoftwareQuery
from graph.software.types import RolloutStreamItem
from graph.streams import open_stream
from graph.sync.fields import SyncMutation, SyncQuery
from graph.sync.types import SyncStreamItem


@strawberry.type
class Query(
    IdentityQuery,
    ProgramQuery,
    InstallationQuery,
    ProductionQuery,
    BufferQuery,
    LineQuery,
    AlarmQuery,
    HardwareQuery,
    CabinetQuery,
    PrinterQuery,
    EdgeQuery,
    JournalQuery,
    SyncQuery,
    CatalogQuery,
    FleetQuery,
    ConfigFileQuery,
    JobsQuery,
    GatewayQuery,
    SoftwareQuery,
    ExportQuery,
    EndpointSoftwareQuery,
    NodeQuery,
):
    """Reads."""


@strawberry.type
class Mutation(
    IdentityMutation,
    ProgramMutation,
    InstallationMutation,
    ProductionMutation,
    AlarmMutation,
    HardwareMutation,
    CabinetMutation,
    PrinterMutation,
    BufferMutation,
    EdgeMutation,
    JournalMutation,
    SyncMutation,
    CatalogMutation,
    FleetMutation,
    ConfigFileMutation,
    JobsMutation,
    GatewayMutation,
    SoftwareMutation,
    ExportMutation,
    EndpointSoftwareMutation,
):
    """Writes; each answers when it is committed."""


@strawberry.type
class Subscription:
    """Streams. With `after`, first what came since that cursor, then live: nothing missed,
    nothing twice, in order; STREAM_GAP if the log no longer reaches back so far."""

    @strawberry.subscription(description="Every read as it is recorded")
    def scans(
        self, info: Info, after: str | None = None, line_id: str | None = None
    ) -> AsyncGenerator[ScanStreamItem, None]:
        return open_stream(info.context, "scans", {"after": after, "line_id": line_id})

    @strawberry.subscription(description="Batches as they are made, filled and completed")
    def batches(
        self, info: Info, after: str | None = None, line_id: str | None = None
    ) -> AsyncGenerator[BatchStreamItem, None]:
        return open_stream(info.context, "batches", {"after": after, "line_id": line_id})

    @strawberry.subscription(description="The buffer as it is loaded, consumed and cleared")
    def buffer(
        self, info: Info, after: str | None = None, batch_identifier: str | None = None
    ) -> AsyncGenerator[BufferStreamItem, None]:
        arguments = {"after": after, "batch_identifier": batch_identifier}
        return open_stream(info.context, "buffer", arguments)

    @strawberry.subscription(description="The journal as it is written, and acknowledged")
    def events(
        self,
        info: Info,
        after: str | None = None,
        severity: Severity | None = None,
        category: str | None = None,
    ) -> AsyncGenerator[EventStreamItem, None]:
        arguments = {"after": after, "severity": severity, "category": category}
        return open_stream(info.context, "events", arguments)

    @strawberry.subscription(description="Alarms as they are raised, over, and seen to")
    def alarms(
        self, info: Info, after: str | None = None, source: str | None = None
    ) -> AsyncGenerator[AlarmStreamItem, None]:
        return open_stream(info.context, "alarms", {"after": after, "source": source})

    @strawberry.subscription(description="Synchronisation as it goes on")
    def sync(self, info: Info, after: str | None = None) -> AsyncGenerator[SyncStreamItem, None]:
        return open_stream(info.context, "sync", {"after": after})

    @strawberry.subscription(description="Devices coming online, going, asking for attention")
    def device_status(
        self, info: Info, after: str | None = None, device_id: strawberry.ID | None = None
    ) -> AsyncGenerator[DeviceStatusStreamItem, None]:
        return open_stream(info.context, "deviceStatus", {"after": after, "device_id": device_id})

    @strawberry.subscription(description="Configurations as they are set")
    def device_config(
        self, info: Info, after: str | None = None, device_id: strawberry.ID | None = None
    ) -> AsyncGenerator[DeviceConfigStreamItem, None]:
        return open_stream(info.context, "deviceConfig", {"after": after, "device_id": device_id})

    @strawberry.subscription(
        description="Gateways as they are made, let in, heard of again and missed"
    )
    def gateways(
        self, info: Info, after: str | None = None, gateway_id: strawberry.ID | None = None
    ) -> AsyncGenerator[GatewayStreamItem, None]:
        return open_stream(info.context, "gateways", {"after": after, "gateway_id": gateway_id})

    @strawberry.subscription(description="Commands as they are sent, acknowledged and answered")
    def commands(
        self, info: Info, after: str | None = None, device_id: strawberry.ID | None = None
    ) -> AsyncGenerator[CommandStreamItem, None]:
        return open_stream(info.context, "commands", {"after": after, "device_id": device_id})

    @strawberry.subscription(description="One rollout, step by step")
    def rollout(
        self, info: Info, id: strawberry.ID, after: str | None = None
    ) -> AsyncGenerator[RolloutStreamItem, None]:
        return open_stream(info.context, "rollout", {"after": after, "id": id})

    @strawberry.subscription(
        description="The dashboard's figures at once and then every so often (250 to 60000 ms)"
    )
    def metrics(self, info: Info, interval_ms: int = 1000) -> AsyncGenerator[Overview, None]:
        return metrics_of(production.metrics(info.context, interval_ms))


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=StrawberryConfig(scalar_map=SCALARS),
)
prepare_input_types(schema)

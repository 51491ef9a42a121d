"""What the graph shows of synchronisation. No token is ever in here."""

import strawberry

from domain.sync import ports
from domain.sync.models import ConnectionMode, ProvisioningStatus
from domain.sync.rows import ConnectionRow, ProvisioningRow, SyncOutcome, SyncStatusRow
from graph.scalars import Timestamp, moment

strawberry.enum(ConnectionMode, name="ConnectionMode")
strawberry.enum(ProvisioningStatus, name="ProvisioningStatus")


@strawberry.type(description="The queue towards the cloud or the factory")
class SyncStatus:
    queue_size: int = strawberry.field(
        description="Changes of bottles, batches and pallets that wait to be delivered"
    )
    oldest_item: Timestamp | None
    last_sync: Timestamp | None
    sync_errors: int = strawberry.field(description="Failed passes since the last good one")
    last_error: str | None
    mode: ConnectionMode
    connected: bool


@strawberry.type(description="What one delivery did; items that left the queue")
class SyncResult:
    synced: int
    failed: int = strawberry.field(description="Refused upstream; the journal has the reasons")
    remaining: int


@strawberry.type(description="A delivery that started, was completed or failed")
class SyncStreamItem:
    cursor: str
    status: str
    synced: int
    failed: int
    remaining: int
    error: str | None
    at: Timestamp


@strawberry.type(description="How this edge stands with its cloud")
class Provisioning:
    status: ProvisioningStatus
    device_id: str | None
    device_identifier: str | None
    device_name: str | None
    device_mode: str | None
    company_id: str | None
    company_name: str | None
    seq_number: str | None
    industry: str | None
    activated_at: Timestamp | None


@strawberry.type(name="ConnectionSettings")
class ConnectionSettings:
    mode: ConnectionMode
    allow_switch: bool


@strawberry.type(description="A device that the signed-in user may activate")
class CloudDevice:
    id: strawberry.ID
    name: str
    company_id: str
    company_name: str
    seq_number: str
    device_mode: str


@strawberry.type
class CloudLine:
    id: strawberry.ID
    name: str
    identifier: str
    company_id: str
    product_id: str
    party: str


@strawberry.type(description="Codes that no one else gets, and how many the pool still holds")
class CloudCodes:
    codes: list[str]
    remaining: int


@strawberry.type
class CloudCompany:
    id: strawberry.ID
    name: str
    industry: str
    time_zone: str


def sync_status_type(row: SyncStatusRow) -> SyncStatus:
    return SyncStatus(
        queue_size=row.queue_size,
        oldest_item=moment(row.oldest_item_at_us),
        last_sync=moment(row.last_sync_at_us),
        sync_errors=row.sync_errors,
        last_error=row.last_error,
        mode=row.mode,
        connected=row.connected,
    )


def sync_result(outcome: SyncOutcome) -> SyncResult:
    return SyncResult(**outcome._asdict())


def provisioning_type(row: ProvisioningRow) -> Provisioning:
    fields = row._asdict()
    activated_at = moment(fields.pop("activated_at_us"))
    return Provisioning(activated_at=activated_at, **fields)


def connection_settings(row: ConnectionRow) -> ConnectionSettings:
    return ConnectionSettings(mode=row.mode, allow_switch=row.allow_switch)


def cloud_device(device: ports.CloudDevice) -> CloudDevice:
    return CloudDevice(
        id=strawberry.ID(device.id),
        name=device.name,
        company_id=device.company_id,
        company_name=device.company_name,
        seq_number=device.seq_number,
        device_mode=device.device_mode,
    )


def cloud_line(line: ports.CloudLine) -> CloudLine:
    return CloudLine(
        id=strawberry.ID(line.id),
        name=line.name,
        identifier=line.identifier,
        company_id=line.company_id,
        product_id=line.product_id,
        party=line.party,
    )


def cloud_codes(issued: ports.IssuedCodes) -> CloudCodes:
    return CloudCodes(codes=list(issued.codes), remaining=issued.remaining)


def cloud_company(company: ports.CloudCompany) -> CloudCompany:
    return CloudCompany(
        id=strawberry.ID(company.id),
        name=company.name,
        industry=company.industry,
        time_zone=company.time_zone,
    )

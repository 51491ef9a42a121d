"""What the graph shows of production. Built from rows; plain fields are plain attributes."""

from enum import StrEnum
from typing import Annotated

import strawberry

from domain.production.codes import CodeReason, digital_link
from domain.production.models import (
    AggregateStatus,
    BottleStatus,
    ScanSource,
    SentStatus,
)
from domain.production.repository.scan_store import ScanOutcome
from domain.production.rows import (
    BatchRow,
    BottleRow,
    GatewayRead,
    OverviewRow,
    PalletRow,
    ScanRow,
)
from graph.info import Info
from graph.pagination import Node, global_id
from graph.production import loaders
from graph.production.gateway_types import GatewayScan, gateway_scan_type
from graph.production.resolvers import Validation
from graph.scalars import Timestamp, moment

strawberry.enum(BottleStatus, name="BottleStatus")
strawberry.enum(AggregateStatus, name="AggregateStatus")
strawberry.enum(SentStatus, name="SentStatus")
strawberry.enum(ScanSource, name="ScanSource")
strawberry.enum(CodeReason, name="CodeReason")

LazyBatch = Annotated["Batch", strawberry.lazy("graph.production.types")]
LazyPallet = Annotated["Pallet", strawberry.lazy("graph.production.types")]


@strawberry.type(description="One marked unit; its identity is GTIN and serial")
class Bottle(Node):
    identifier: str
    gtin: str
    serial: str
    status: BottleStatus
    created_at: Timestamp
    updated_at: Timestamp
    line_id: str | None
    product_id: str | None
    party: str | None
    device_id: str | None
    is_preprint: bool
    row: strawberry.Private[BottleRow]

    @strawberry.field(description="GS1 Digital Link path of this unit")
    def digital_link(self) -> str:
        return digital_link(self.gtin, self.serial)

    @strawberry.field(description="The batch it is packed in")
    async def batch(self, info: Info) -> LazyBatch | None:
        if self.row.batch_id is None:
            return None
        row = await loaders.batch_by_id(info.context).load(self.row.batch_id)
        return None if row is None else batch_type(row)


@strawberry.interface(description="A batch or a pallet")
class Aggregate(Node):
    identifier: str
    name: str
    status: AggregateStatus
    sent_status: SentStatus
    line_id: str | None
    device_id: str | None
    created_at: Timestamp
    completed_at: Timestamp | None


@strawberry.type(description="Bottles packed together")
class Batch(Aggregate):
    batch_size: int | None
    bottle_count: int
    product_id: str | None
    party: str | None
    row: strawberry.Private[BatchRow]

    @strawberry.field(description="Its bottles, oldest first, at most 500")
    async def bottles(self, info: Info) -> list[Bottle]:
        rows = await loaders.bottles_by_batch(info.context).load(self.row.id)
        return [bottle_type(row) for row in rows or ()]

    @strawberry.field(description="The pallet it stands on")
    async def pallet(self, info: Info) -> LazyPallet | None:
        if self.row.pallet_id is None:
            return None
        row = await loaders.pallet_by_id(info.context).load(self.row.pallet_id)
        return None if row is None else pallet_type(row)


@strawberry.type(description="A logistic unit with its SSCC")
class Pallet(Aggregate):
    sscc: str
    batch_count: int
    row: strawberry.Private[PalletRow]

    @strawberry.field(description="Its batches, oldest first")
    async def batches(self, info: Info) -> list[Batch]:
        rows = await loaders.batches_by_pallet(info.context).load(self.row.id)
        return [batch_type(row) for row in rows or ()]


@strawberry.type(description="One read, whatever came of it")
class Scan(Node):
    code: str
    valid: bool
    duplicate: bool
    gtin: str | None
    reason: CodeReason | None
    message: str | None
    timestamp: Timestamp
    recorded_at: Timestamp
    line_id: str | None
    scanner_index: int | None
    source: ScanSource
    row: strawberry.Private[ScanRow]
    known_bottle: strawberry.Private[BottleRow | None] = None
    known_gateway: strawberry.Private[GatewayRead | None] = None

    @strawberry.field(description="The bottle it made or met")
    async def bottle(self, info: Info) -> Bottle | None:
        if self.row.bottle_id is None:
            return None
        row = self.known_bottle or await loaders.bottle_by_id(info.context).load(self.row.bottle_id)
        return None if row is None else bottle_type(row)

    @strawberry.field(description="What a gateway told with it; null where it came another way")
    async def gateway(self, info: Info) -> GatewayScan | None:
        if self.row.source != ScanSource.GATEWAY:
            return None
        read = self.known_gateway
        if read is None:
            read = await loaders.gateway_by_scan(info.context).load(self.row.id)
        return None if read is None else gateway_scan_type(read)


@strawberry.type(description="The verdict on a scan that is now on disk")
class ScanResult:
    valid: bool
    duplicate: bool
    gtin: str | None
    reason: CodeReason | None
    message: str | None
    bottle: Bottle | None
    scan: Scan


@strawberry.type(description="The verdict on a code; nothing was stored")
class CodeVerdict:
    valid: bool
    duplicate: bool
    gtin: str | None
    serial: str | None
    sscc: str | None
    profile: str | None
    reason: CodeReason | None
    message: str | None
    candidates: list[str]
    gs_lost: bool
    bottle: Bottle | None


@strawberry.type
class BottlesCreated:
    created: int
    bottles: list[Bottle]


@strawberry.type
class BottlesMoved:
    added: int
    batch: Batch


@strawberry.type
class BatchesMoved:
    added: int
    pallet: Pallet


@strawberry.type
class StatusCount:
    status: BottleStatus
    count: int

    @classmethod
    def of(cls, status: int, count: int) -> "StatusCount":
        return cls(status=BottleStatus(status), count=count)


@strawberry.enum
class BatchAction(StrEnum):
    CREATED = "created"
    BOTTLES_ADDED = "bottles_added"
    BOTTLES_REMOVED = "bottles_removed"
    COMPLETED = "completed"
    DISAGGREGATED = "disaggregated"


@strawberry.type
class ScanStreamItem:
    cursor: str
    scan: Scan


@strawberry.type
class BatchStreamItem:
    cursor: str
    action: BatchAction
    batch: Batch


@strawberry.type(description="The dashboard's figures; today is the site's day")
class Overview:
    at: Timestamp
    day_start: Timestamp
    devices_online: int
    devices_offline: int
    bottles_today: int
    batches_today: int
    pallets_today: int
    batches_completed: int = strawberry.field(description="Today")
    bottles_per_minute: int = strawberry.field(description="The busier of the last two minutes")
    sync_queue_total: int


def overview_type(row: OverviewRow) -> Overview:
    values = row._asdict()
    moments = {name: Timestamp(values.pop(f"{name}_us")) for name in ("at", "day_start")}
    return Overview(**moments, **values)


def bottle_type(row: BottleRow) -> Bottle:
    return Bottle(
        id=global_id("Bottle", row.id),
        identifier=row.identifier,
        gtin=row.gtin,
        serial=row.serial,
        status=BottleStatus(row.status),
        created_at=Timestamp(row.created_at_us),
        updated_at=Timestamp(row.updated_at_us),
        line_id=row.line_id,
        product_id=row.product_id,
        party=row.party,
        device_id=row.device_id,
        is_preprint=row.is_preprint,
        row=row,
    )


def batch_type(row: BatchRow) -> Batch:
    return Batch(
        id=global_id("Batch", row.id),
        identifier=row.identifier,
        name=row.name,
        status=AggregateStatus(row.status),
        sent_status=SentStatus(row.sent_status),
        batch_size=row.batch_size,
        bottle_count=row.bottle_count,
        line_id=row.line_id,
        product_id=row.product_id,
        party=row.party,
        device_id=row.device_id,
        created_at=Timestamp(row.created_at_us),
        completed_at=moment(row.completed_at_us),
        row=row,
    )


def pallet_type(row: PalletRow) -> Pallet:
    return Pallet(
        id=global_id("Pallet", row.id),
        identifier=row.identifier,
        sscc=row.sscc,
        name=row.name,
        status=AggregateStatus(row.status),
        sent_status=SentStatus(row.sent_status),
        batch_count=row.batch_count,
        line_id=row.line_id,
        device_id=row.device_id,
        created_at=Timestamp(row.created_at_us),
        completed_at=moment(row.completed_at_us),
        row=row,
    )


def scan_type(
    row: ScanRow, bottle: BottleRow | None = None, gateway: GatewayRead | None = None
) -> Scan:
    return Scan(
        id=global_id("Scan", row.id),
        code=row.code,
        valid=row.valid,
        duplicate=row.duplicate,
        gtin=row.gtin,
        reason=_reason(row),
        message=row.message,
        timestamp=Timestamp(row.scanned_at_us),
        recorded_at=Timestamp(row.recorded_at_us),
        line_id=row.line_id,
        scanner_index=row.scanner_index,
        source=ScanSource(row.source),
        row=row,
        known_bottle=bottle,
        known_gateway=gateway,
    )


def scan_result(done: ScanOutcome) -> ScanResult:
    scan = done.scan
    return ScanResult(
        valid=scan.valid,
        duplicate=scan.duplicate,
        gtin=scan.gtin,
        reason=_reason(scan),
        message=scan.message,
        bottle=bottle_type(done.bottle) if done.bottle else None,
        scan=scan_type(scan, done.bottle),
    )


def code_verdict(validation: Validation) -> CodeVerdict:
    reading = validation.reading
    return CodeVerdict(
        valid=reading.reason is None,
        duplicate=validation.bottle is not None,
        gtin=reading.gtin,
        serial=reading.serial,
        sscc=reading.sscc,
        profile=reading.profile,
        reason=validation.reason,
        message=validation.message,
        candidates=list(reading.candidates),
        gs_lost=reading.gs_lost,
        bottle=bottle_type(validation.bottle) if validation.bottle else None,
    )


def _reason(row: ScanRow) -> CodeReason | None:
    return None if row.reason is None else CodeReason(row.reason)

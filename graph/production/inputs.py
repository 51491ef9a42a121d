"""Inputs of production, each named after its mutation; `command()` makes what resolvers take."""

import strawberry

from domain.production.commands import (
    AddBatches,
    BatchFilter,
    BottleFilter,
    CreateBatch,
    CreateBottles,
    CreatePallet,
    MoveBottles,
    NewBottle,
    PalletFilter,
    RecordScan,
    ScanFilter,
    SetBottleStatus,
)
from domain.production.models import AggregateStatus, BottleStatus, ScanSource, SentStatus
from graph.pagination import filter_id, plain_id
from graph.scalars import Timestamp


@strawberry.input
class ScanInput:
    code: str
    timestamp: Timestamp | None = None
    line_id: str | None = None
    scanner_index: int | None = None

    def command(self) -> RecordScan:
        return RecordScan(self.code, self.timestamp, self.line_id, self.scanner_index)


@strawberry.input
class NewBottleInput:
    identifier: str
    gtin: str | None = None
    line_id: str | None = None
    product_id: str | None = None
    party: str | None = None
    is_preprint: bool = False


@strawberry.input
class CreateBottlesInput:
    bottles: list[NewBottleInput]
    device_id: str | None = None

    def command(self) -> CreateBottles:
        bottles = tuple(NewBottle.of(**vars(bottle)) for bottle in self.bottles)
        return CreateBottles.of(bottles=bottles, device_id=self.device_id)


@strawberry.input
class SetBottleStatusInput:
    id: strawberry.ID
    status: BottleStatus

    def command(self) -> SetBottleStatus:
        return SetBottleStatus.of(bottle_id=plain_id(self.id, "Bottle"), status=self.status)


@strawberry.input
class CreateBatchInput:
    name: str | None = None
    batch_size: int | None = None
    line_id: str | None = None
    product_id: str | None = None
    party: str | None = None
    device_id: str | None = None
    bottle_ids: list[strawberry.ID] = strawberry.field(default_factory=list)

    def command(self) -> CreateBatch:
        ids = tuple(plain_id(key, "Bottle") for key in self.bottle_ids)
        return CreateBatch.of(**(vars(self) | {"bottle_ids": ids}))


@strawberry.input
class AddBottlesToBatchInput:
    batch_id: strawberry.ID
    bottle_ids: list[strawberry.ID]

    def command(self) -> MoveBottles:
        ids = tuple(plain_id(key, "Bottle") for key in self.bottle_ids)
        return MoveBottles.of(batch_id=plain_id(self.batch_id, "Batch"), bottle_ids=ids)


@strawberry.input
class RemoveBottlesFromBatchInput(AddBottlesToBatchInput):
    pass


@strawberry.input
class CreatePalletInput:
    name: str | None = None
    line_id: str | None = None
    device_id: str | None = None
    batch_ids: list[strawberry.ID] = strawberry.field(default_factory=list)

    def command(self) -> CreatePallet:
        ids = tuple(plain_id(key, "Batch") for key in self.batch_ids)
        return CreatePallet.of(**(vars(self) | {"batch_ids": ids}))


@strawberry.input
class AddBatchesToPalletInput:
    pallet_id: strawberry.ID
    batch_ids: list[strawberry.ID]

    def command(self) -> AddBatches:
        ids = tuple(plain_id(key, "Batch") for key in self.batch_ids)
        return AddBatches.of(pallet_id=plain_id(self.pallet_id, "Pallet"), batch_ids=ids)


@strawberry.input
class BottleFilterInput:
    status: BottleStatus | None = None
    line_id: str | None = None
    gtin: str | None = None
    batch_id: strawberry.ID | None = None
    party: str | None = None
    created_from: Timestamp | None = None
    created_to: Timestamp | None = None

    def wanted(self) -> BottleFilter:
        return BottleFilter(
            status=self.status,
            line_id=self.line_id,
            gtin=self.gtin,
            batch_id=filter_id(self.batch_id, "Batch"),
            party=self.party,
            created_from_us=self.created_from,
            created_to_us=self.created_to,
        )


@strawberry.input
class BatchFilterInput:
    status: AggregateStatus | None = None
    sent_status: SentStatus | None = None
    device_id: str | None = None
    line_id: str | None = None
    pallet_id: strawberry.ID | None = None

    def wanted(self) -> BatchFilter:
        return BatchFilter(
            status=self.status,
            sent_status=self.sent_status,
            device_id=self.device_id,
            line_id=self.line_id,
            pallet_id=filter_id(self.pallet_id, "Pallet"),
        )


@strawberry.input
class PalletFilterInput:
    status: AggregateStatus | None = None
    line_id: str | None = None

    def wanted(self) -> PalletFilter:
        return PalletFilter(status=self.status, line_id=self.line_id)


@strawberry.input
class ScanFilterInput:
    valid: bool | None = None
    duplicate: bool | None = None
    line_id: str | None = None
    bottle_id: strawberry.ID | None = None
    scanner_index: int | None = None
    source: ScanSource | None = None
    gateway_id: strawberry.ID | None = None
    scanned_from: Timestamp | None = None
    scanned_to: Timestamp | None = None

    def wanted(self) -> ScanFilter:
        return ScanFilter(
            valid=self.valid,
            duplicate=self.duplicate,
            line_id=self.line_id,
            bottle_id=filter_id(self.bottle_id, "Bottle"),
            scanner_index=self.scanner_index,
            source=self.source,
            gateway_id=filter_id(self.gateway_id, "Gateway"),
            scanned_from_us=self.scanned_from,
            scanned_to_us=self.scanned_to,
        )

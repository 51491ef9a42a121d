"""Bodies of the OKTO edge API, as its clients send and expect them."""

from typing import Annotated

from pydantic import Field, RootModel

from compat_rest.kernel.fields import INTEGRAL, PRINTABLE, Body, JsonObject, Moment
from compat_rest.kernel.okto.schemas import Answer, JournalEvent, Time
from domain.journal.models import Severity

Label = Annotated[str, Field(min_length=1, max_length=128, pattern=PRINTABLE)]
Code = Annotated[
    str, Field(min_length=1, max_length=512, json_schema_extra={"format": "marking-code"})
]
"""As it stands in the symbol, GS and all; what is valid depends on the industry."""


class NewBottle(Body):
    """A `gtin` that contradicts the code is ignored: the code carries it."""

    identifier: Code
    gtin: Annotated[str, Field(pattern=r"^[0-9]{8,14}$")] | None = None
    production_line_id: Label | None = None
    product_id: Label | None = None
    party: Label | None = None
    is_preprint: bool = False


class CreateBottlesBody(Body):
    bottles: Annotated[list[NewBottle], Field(min_length=1, max_length=10_000)]
    device_id: Label | None = None


class BottleStatusBody(Body):
    status: Annotated[int, Field(ge=0, le=5), INTEGRAL]


class BottleRef(Answer):
    id: str
    identifier: str


class BottleItem(BottleRef):
    gtin: str
    status: int
    created_at: Time
    production_line_id: str | None
    party: str | None
    batch_id: str | None


class BottleDetail(BottleItem):
    excise_duty_number: str
    updated_at: Time
    product_id: str | None
    is_preprint: bool


class BottlesCreated(Answer):
    created: int
    bottles: list[BottleRef]


class BottleCount(Answer):
    total: int
    by_status: dict[str, int]


class NewBatch(Body):
    name: Label | None = None
    device_id: Label | None = None
    batch_size: Annotated[int, Field(ge=1, le=10_000), INTEGRAL] | None = None
    production_line_id: Label | None = None
    product_id: Label | None = None
    party: Label | None = None


class CreateBatchBody(Body):
    batch: NewBatch
    bottles: Annotated[list[str], Field(max_length=10_000, default_factory=list)]


class BatchBottlesBody(RootModel[Annotated[list[str], Field(min_length=1, max_length=10_000)]]):
    """A bare array of bottle ids."""


class BatchRef(Answer):
    id: str
    identifier: str
    name: str
    status: str


class BatchItem(BatchRef):
    bottle_count: int
    created_at: Time


class BatchDetail(BatchRef):
    batch_size: int | None
    created_at: Time
    device_id: str | None


class BatchList(Answer):
    batches: list[BatchItem]
    total: int


class BatchCreated(Answer):
    batch: BatchRef
    bottle_count: int


class BatchWithBottles(Answer):
    batch: BatchDetail
    bottles: list[BottleRef]


class Added(Answer):
    added: int


class CodeBody(Body):
    code: Annotated[str, Field(max_length=4096)]


class ScanBody(CodeBody):
    timestamp: Moment | None = None
    line_id: Label | None = None
    scanner_index: Annotated[int, Field(ge=0, le=99), INTEGRAL] | None = None


class ScannerStatus(Answer):
    connected: bool
    last_scan: Time | None
    scan_count: int


class Validation(Answer):
    valid: bool
    gtin: str | None
    duplicate: bool
    message: str | None


class ScanVerdict(Validation):
    bottle_id: str | None
    reason: str | None


class RecentScan(Answer):
    code: str
    valid: bool
    timestamp: Time


class GeneratedCode(Answer):
    code: str


class NewEventBody(Body):
    message: Annotated[str, Field(min_length=1, max_length=4000, pattern=r"^[^\x00]+$")]
    severity: Annotated[Severity, Field(strict=False)] = Severity.INFO
    category: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,31}$")] | None = None
    source: Label | None = None
    data: JsonObject | None = None


class JournalPage(Answer):
    events: list[JournalEvent]
    cursor: str | None


class Acknowledged(Answer):
    acknowledged: int

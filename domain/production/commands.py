"""What can be asked of production. Ids are plain ids; times are microseconds, UTC."""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from domain.kernel.commands import Command
from domain.kernel.errors import ValidationFailed
from domain.kernel.filters import Filter
from domain.kernel.text import is_storable
from domain.production.models import AggregateStatus, BottleStatus, ScanSource, SentStatus
from domain.production.rows import GatewayRead

MAX_LABEL: Final = 128
# PostgreSQL stores no NUL, whatever SQLite does.
CodeText = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[^\x00]+$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LABEL, pattern=r"^[^\x00]+$")]
MAX_BULK = 10_000
MAX_SCANNERS: Final = 100
# 9999-12-31T23:59:59.999999Z, the last moment that can be written down again.
LAST_MOMENT_US: Final = 253_402_300_799_999_999
FIRST_MOMENT_US: Final = -62_135_596_800_000_000


class ScanPurpose(Enum):
    """What a read is for. MAKE: a good code becomes a bottle. CHECK: the bottle that it names is
    looked up, none is made. LABEL: it names something else, and any text will do. OBSERVE: any text
    will do, and where it is one of our codes its bottle is looked up."""

    MAKE = "make"
    CHECK = "check"
    LABEL = "label"
    OBSERVE = "observe"


@dataclass(frozen=True, slots=True)
class RecordScan:
    """One read from any door. Every text is accepted as a code, the verdict says what it is worth;
    what the caller says about it is checked."""

    code: str
    scanned_at_us: int | None = None
    line_id: str | None = None
    scanner_index: int | None = None
    source: ScanSource = ScanSource.API
    no_read: bool = False
    """The scanner says so itself, by a pattern of its own."""
    purpose: ScanPurpose = ScanPurpose.MAKE
    gateway: GatewayRead | None = None
    """Where a gateway told it: the same event of it once more is not stored again."""

    def check(self) -> None:
        """Raises ValidationFailed."""
        line_id, index, at_us = self.line_id, self.scanner_index, self.scanned_at_us
        if line_id is not None and not (0 < len(line_id) <= MAX_LABEL and is_storable(line_id)):
            raise ValidationFailed("lineId", f"must have from 1 to {MAX_LABEL} characters, no NUL")
        if index is not None and not 0 <= index < MAX_SCANNERS:
            raise ValidationFailed("scannerIndex", f"must be from 0 to {MAX_SCANNERS - 1}")
        if at_us is not None and not FIRST_MOMENT_US <= at_us <= LAST_MOMENT_US:
            raise ValidationFailed("timestamp", "must be in the years 1 to 9999, UTC")


class NewBottle(Command):
    """`gtin` may be left out: the code carries it, and the code wins."""

    identifier: CodeText
    gtin: Annotated[str, StringConstraints(pattern=r"^[0-9]{8,14}$")] | None = None
    line_id: Label | None = None
    product_id: Label | None = None
    party: Label | None = None
    is_preprint: bool = False


class CreateBottles(Command):
    bottles: Annotated[tuple[NewBottle, ...], Field(min_length=1, max_length=MAX_BULK)]
    device_id: Label | None = None


class SetBottleStatus(Command):
    bottle_id: str
    status: BottleStatus


class CreateBatch(Command):
    """`identifier` is what its label says, where there is one already."""

    identifier: Label | None = None
    name: Label | None = None
    batch_size: Annotated[int, Field(ge=1, le=MAX_BULK)] | None = None
    line_id: Label | None = None
    product_id: Label | None = None
    party: Label | None = None
    device_id: Label | None = None
    bottle_ids: Annotated[tuple[str, ...], Field(max_length=MAX_BULK)] = ()


class MoveBottles(Command):
    """Into or out of a batch."""

    batch_id: str
    bottle_ids: Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_BULK)]


class CreatePallet(Command):
    name: Label | None = None
    line_id: Label | None = None
    device_id: Label | None = None
    batch_ids: Annotated[tuple[str, ...], Field(max_length=MAX_BULK)] = ()


class AddBatches(Command):
    pallet_id: str
    batch_ids: Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_BULK)]


class LoadBuffer(Command):
    """By the batch's printed identifier or its id."""

    batch_identifier: CodeText


class ClearBuffer(Command):
    """One batch, by its printed identifier or its id, or all of them."""

    batch_identifier: CodeText | None = None


class VerifyCode(Command):
    """Every text is taken for a code; without `consumed_by` it is whoever acts."""

    code: Annotated[str, StringConstraints(max_length=4096)]
    consumed_by: Label | None = None


@dataclass(frozen=True, slots=True)
class BottleFilter(Filter):
    status: BottleStatus | None = None
    line_id: str | None = None
    gtin: str | None = None
    batch_id: str | None = None
    party: str | None = None
    created_from_us: int | None = None
    created_to_us: int | None = None


@dataclass(frozen=True, slots=True)
class BatchFilter(Filter):
    status: AggregateStatus | None = None
    sent_status: SentStatus | None = None
    device_id: str | None = None
    line_id: str | None = None
    pallet_id: str | None = None


@dataclass(frozen=True, slots=True)
class PalletFilter(Filter):
    status: AggregateStatus | None = None
    line_id: str | None = None


@dataclass(frozen=True, slots=True)
class ScanFilter(Filter):
    valid: bool | None = None
    duplicate: bool | None = None
    line_id: str | None = None
    bottle_id: str | None = None
    scanner_index: int | None = None
    source: ScanSource | None = None
    gateway_id: str | None = None
    scanned_from_us: int | None = None
    scanned_to_us: int | None = None

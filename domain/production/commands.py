"""What can be asked of production. Ids are plain ids; times are microseconds, UTC."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from domain.kernel.commands import Command
from domain.production.models import AggregateStatus, BottleStatus, ScanSource, SentStatus

CodeText = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=128)]
MAX_BULK = 10_000


@dataclass(frozen=True, slots=True)
class RecordScan:
    """One read from any door; every text is accepted, the verdict says what it is worth."""

    code: str
    scanned_at_us: int | None = None
    line_id: str | None = None
    scanner_index: int | None = None
    source: ScanSource = ScanSource.API


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


@dataclass(frozen=True, slots=True)
class BottleFilter:
    """Every part that is set must hold."""

    status: BottleStatus | None = None
    line_id: str | None = None
    gtin: str | None = None
    batch_id: str | None = None
    party: str | None = None
    created_from_us: int | None = None
    created_to_us: int | None = None


@dataclass(frozen=True, slots=True)
class BatchFilter:
    status: AggregateStatus | None = None
    sent_status: SentStatus | None = None
    device_id: str | None = None
    line_id: str | None = None
    pallet_id: str | None = None


@dataclass(frozen=True, slots=True)
class PalletFilter:
    status: AggregateStatus | None = None
    line_id: str | None = None


@dataclass(frozen=True, slots=True)
class ScanFilter:
    valid: bool | None = None
    duplicate: bool | None = None
    line_id: str | None = None
    bottle_id: str | None = None
    scanner_index: int | None = None
    scanned_from_us: int | None = None
    scanned_to_us: int | None = None

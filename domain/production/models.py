"""Bottles, batches, pallets, the scans that made them, the history that explains them, and the
buffer that codes are checked against.

Times are microseconds since the epoch, UTC. Tables keyed by id are stored by it (SQLite:
WITHOUT ROWID), so that an insert touches one tree and its unique key, no more.
"""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Any, Final

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, SmallInteger, Text, false, text
from sqlmodel import Field, SQLModel, UniqueConstraint

from domain.kernel.columns import BY_KEY, EnumText, IdColumn

# The scan stores insert by name and leave out what only a delivery fills.
EMPTY: Final[Mapping[str, Any]] = {"server_default": ""}
ZERO: Final[Mapping[str, Any]] = {"server_default": "0"}


class BottleStatus(IntEnum):
    """The documented numbers."""

    CREATED = 0
    IN_BATCH = 1
    SENT = 2
    SYNCED = 3
    REJECTED = 4
    DELETED = 5


class AggregateStatus(StrEnum):
    """Of a batch and of a pallet."""

    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"
    DISAGGREGATED = "disaggregated"


class SentStatus(StrEnum):
    """How far an aggregate has come towards the cloud or the factory."""

    NOT_SENT = "not_sent"
    SENT = "sent"
    SYNCED = "synced"


class ItemKind(StrEnum):
    BOTTLE = "BOTTLE"
    BATCH = "BATCH"
    PALLET = "PALLET"


class BufferVerdict(StrEnum):
    """What checking a code against the buffer came to; VERIFIED consumes it."""

    VERIFIED = "VERIFIED"
    ALREADY_CONSUMED = "ALREADY_CONSUMED"
    NOT_IN_BUFFER = "NOT_IN_BUFFER"
    INVALID = "INVALID"


class ScanSource(StrEnum):
    """The door a scan came in by."""

    API = "API"
    GATEWAY = "GATEWAY"
    MOCK = "MOCK"
    SCANNER = "SCANNER"


class Bottle(SQLModel, table=True):
    """One marked unit. Its identity is (gtin, serial); `identifier` is the code as it was read.

    `origin` is the edge that delivered it, empty for one made here; `sync_version` is how far that
    edge had come. A batch that it names and that is not here yet is `pending_batch_id`."""

    __tablename__ = "bottle"
    __table_args__ = (
        UniqueConstraint("customer_id", "gtin", "serial", name="uq_bottle_identity"),
        Index("ix_bottle_status", "customer_id", "status", "id"),
        Index(
            "ix_bottle_batch",
            "batch_id",
            sqlite_where=text("batch_id IS NOT NULL"),
            postgresql_where=text("batch_id IS NOT NULL"),
        ),
        Index(
            "ix_bottle_pending_batch",
            "pending_batch_id",
            sqlite_where=text("pending_batch_id IS NOT NULL"),
            postgresql_where=text("pending_batch_id IS NOT NULL"),
        ),
        BY_KEY,
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    origin: str = Field(default="", sa_column_kwargs=EMPTY)
    sync_version: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=ZERO)
    identifier: str = Field(sa_type=Text)
    gtin: str = Field(max_length=14)
    serial: str = Field(sa_type=Text)
    status: int = Field(default=BottleStatus.CREATED, sa_type=SmallInteger)
    created_at_us: int = Field(sa_type=BigInteger)
    updated_at_us: int = Field(sa_type=BigInteger)
    line_id: str | None = None
    product_id: str | None = None
    party: str | None = None
    device_id: str | None = None
    batch_id: str | None = Field(default=None, sa_type=IdColumn, foreign_key="batch.id")
    pending_batch_id: str | None = Field(default=None, sa_type=IdColumn)
    is_preprint: bool = False


class Batch(SQLModel, table=True):
    """Bottles packed together. `origin` is the edge that numbered it: numbers are local there."""

    __tablename__ = "batch"
    __table_args__ = (
        UniqueConstraint("customer_id", "origin", "identifier", name="uq_batch_identifier"),
        Index("ix_batch_pallet", "pallet_id"),
        Index(
            "ix_batch_pending_pallet",
            "pending_pallet_id",
            sqlite_where=text("pending_pallet_id IS NOT NULL"),
            postgresql_where=text("pending_pallet_id IS NOT NULL"),
        ),
        BY_KEY,
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    origin: str = ""
    sync_version: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=ZERO)
    identifier: str
    name: str
    status: AggregateStatus = Field(
        default=AggregateStatus.IN_PROGRESS, sa_type=EnumText(AggregateStatus)
    )
    sent_status: SentStatus = Field(default=SentStatus.NOT_SENT, sa_type=EnumText(SentStatus))
    batch_size: int | None = None
    bottle_count: int = 0
    line_id: str | None = None
    product_id: str | None = None
    party: str | None = None
    device_id: str | None = None
    pallet_id: str | None = Field(default=None, sa_type=IdColumn, foreign_key="pallet.id")
    pending_pallet_id: str | None = Field(default=None, sa_type=IdColumn)
    created_at_us: int = Field(sa_type=BigInteger)
    completed_at_us: int | None = Field(default=None, sa_type=BigInteger)
    accumulates: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Made and filled by the line itself: a batch that somebody else made is left alone."""


class Pallet(SQLModel, table=True):
    """Batches on a logistic unit, which its SSCC (GS1 AI 00, 18 digits) names worldwide."""

    __tablename__ = "pallet"
    __table_args__ = (
        UniqueConstraint("customer_id", "sscc", name="uq_pallet_sscc"),
        UniqueConstraint("customer_id", "origin", "identifier", name="uq_pallet_identifier"),
        BY_KEY,
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    origin: str = ""
    sync_version: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=ZERO)
    identifier: str
    sscc: str = Field(max_length=18)
    name: str
    status: AggregateStatus = Field(
        default=AggregateStatus.IN_PROGRESS, sa_type=EnumText(AggregateStatus)
    )
    sent_status: SentStatus = Field(default=SentStatus.NOT_SENT, sa_type=EnumText(SentStatus))
    batch_count: int = 0
    line_id: str | None = None
    device_id: str | None = None
    created_at_us: int = Field(sa_type=BigInteger)
    completed_at_us: int | None = Field(default=None, sa_type=BigInteger)
    accumulates: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Made and filled by the line itself: one that somebody else made is left alone."""


class Scan(SQLModel, table=True):
    """One read, whatever came of it. `reason` is set where `valid` is false."""

    __tablename__ = "scan"
    __table_args__ = (
        Index(
            "ix_scan_bottle",
            "bottle_id",
            sqlite_where=text("bottle_id IS NOT NULL"),
            postgresql_where=text("bottle_id IS NOT NULL"),
        ),
        BY_KEY,
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int
    code: str = Field(sa_type=Text)
    valid: bool
    duplicate: bool
    gtin: str | None = Field(default=None, max_length=14)
    reason: str | None = None
    message: str | None = None
    bottle_id: str | None = Field(default=None, sa_type=IdColumn)
    line_id: str | None = None
    scanner_index: int | None = None
    source: ScanSource = Field(sa_type=EnumText(ScanSource))
    scanned_at_us: int = Field(sa_type=BigInteger)
    recorded_at_us: int = Field(sa_type=BigInteger)


class GatewayScan(SQLModel, table=True):
    """What a gateway told with a scan, where one told it. `usecase` and `station` are the gateway's
    as they were then. A gateway names each of its events once: told again it is the same scan."""

    __tablename__ = "gateway_scan"
    __table_args__ = (
        UniqueConstraint("gateway_id", "event_id", name="uq_gateway_scan_event"),
        Index("ix_gateway_scan_gateway", "gateway_id", "occurred_at_us", "scan_id"),
        BY_KEY,
    )

    scan_id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int
    occurred_at_us: int = Field(sa_type=BigInteger)
    """The scan's `scanned_at_us`, so that a window on a gateway is a stretch of one index."""
    gateway_id: str = Field(sa_type=IdColumn)
    event_id: str = Field(max_length=64)
    usecase: str
    station: str
    symbology: str | None = None
    duration_s: float | None = None
    device_id: str | None = None
    device_battery: int | None = None
    device_firmware: str | None = None
    device_temperature: float | None = None
    worker_steps: int | None = None


class Containment(SQLModel, table=True):
    """What was in what, and when: open while `until_us` is null, at most one open per child."""

    __tablename__ = "containment"
    __table_args__ = (
        Index(
            "uq_containment_open",
            "child_id",
            unique=True,
            sqlite_where=text("until_us IS NULL"),
            postgresql_where=text("until_us IS NULL"),
        ),
        Index("ix_containment_child", "child_id", "from_us"),
        Index("ix_containment_parent", "parent_id", "from_us"),
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int
    child_id: str = Field(sa_type=IdColumn)
    child_kind: ItemKind = Field(sa_type=EnumText(ItemKind))
    parent_id: str = Field(sa_type=IdColumn)
    parent_kind: ItemKind = Field(sa_type=EnumText(ItemKind))
    from_us: int = Field(sa_type=BigInteger)
    until_us: int | None = Field(default=None, sa_type=BigInteger)


class TraceEvent(SQLModel, table=True):
    """A change in an item's life, kept for good (the event log is trimmed, this is not)."""

    __tablename__ = "trace_event"
    __table_args__ = (Index("ix_trace_event_subject", "subject_id", "id"),)

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int
    subject_id: str = Field(sa_type=IdColumn)
    subject_kind: ItemKind = Field(sa_type=EnumText(ItemKind))
    kind: str
    status: str | None = None
    other_id: str | None = Field(default=None, sa_type=IdColumn)
    actor: str
    at_us: int = Field(sa_type=BigInteger)


class NumberSequence(SQLModel, table=True):
    """Running numbers for identifiers that people print (`B-2026-000001`, SSCC)."""

    __tablename__ = "number_sequence"

    customer_id: int = Field(primary_key=True)
    name: str = Field(primary_key=True)
    value: int = Field(sa_type=BigInteger)


class ScanRollup(SQLModel, table=True):
    """What was recorded on a line in an hour. Written with the scans themselves, so that no total
    has to count them.

    `first_read_us` is when the earliest of them was read, as far as told, and `last_scan_id` the
    greatest of their ids: what was read before a moment is found below the greatest id of those
    hours that have such reads. 0 where nobody noted it, which is before every moment."""

    __tablename__ = "scan_rollup"
    __table_args__ = (Index("ix_scan_rollup_hour", "customer_id", "hour_us"), BY_KEY)

    customer_id: int = Field(primary_key=True)
    line_id: str = Field(primary_key=True)
    hour_us: int = Field(primary_key=True, sa_type=BigInteger)
    scans: int = Field(sa_type=BigInteger)
    accepted: int = Field(sa_type=BigInteger)
    duplicates: int = Field(sa_type=BigInteger)
    last_scan_us: int = Field(sa_type=BigInteger)
    first_read_us: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=ZERO)
    last_scan_id: str | None = Field(default=None, sa_type=IdColumn)


class ProductionRollup(SQLModel, table=True):
    """What was made in a quarter of an hour, by when it was made. Written with the rows themselves,
    so that no overview has to count them. A quarter, not an hour: every time zone's midnight is
    at the end of one. `origin` is the edge that delivered it, empty for what was made here."""

    __tablename__ = "production_rollup"
    __table_args__ = (BY_KEY,)

    customer_id: int = Field(primary_key=True)
    slot_us: int = Field(primary_key=True, sa_type=BigInteger)
    origin: str = Field(primary_key=True)
    line_id: str = Field(primary_key=True)
    bottles: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=ZERO)
    batches: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=ZERO)
    batches_completed: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=ZERO)
    pallets: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=ZERO)


class BufferBatch(SQLModel, table=True):
    """A batch whose bottles are checked against here. `id` is the batch's own, which may be known
    at the factory only. Its figures are written with its items, so that nobody has to count."""

    __tablename__ = "buffer_batch"
    __table_args__ = (Index("ix_buffer_batch_identifier", "customer_id", "identifier"), BY_KEY)

    customer_id: int = Field(primary_key=True, foreign_key="customer.id")
    id: str = Field(primary_key=True, sa_type=IdColumn)
    identifier: str = Field(sa_type=Text)
    name: str
    line_id: str | None = None
    loaded: int = 0
    consumed: int = 0
    loaded_at_us: int = Field(sa_type=BigInteger)


class BufferItem(SQLModel, table=True):
    """One code that may be consumed once, by its identity. A code is in the batch that brought it
    last, and stays consumed in whichever."""

    __tablename__ = "buffer_item"
    __table_args__ = (
        ForeignKeyConstraint(
            ["customer_id", "batch_id"],
            ["buffer_batch.customer_id", "buffer_batch.id"],
            name="fk_buffer_item_batch",
        ),
        Index("ix_buffer_item_batch", "customer_id", "batch_id"),
        BY_KEY,
    )

    customer_id: int = Field(primary_key=True)
    gtin: str = Field(primary_key=True, max_length=14)
    serial: str = Field(primary_key=True, sa_type=Text)
    batch_id: str = Field(sa_type=IdColumn)
    bottle_id: str = Field(sa_type=IdColumn)
    consumed_at_us: int | None = Field(default=None, sa_type=BigInteger)
    consumed_by: str | None = None

"""Rows as the repository returns them and every face presents them. Times in microseconds."""

from collections.abc import Sequence
from typing import NamedTuple

from domain.production.models import (
    AggregateStatus,
    BottleStatus,
    ItemKind,
    ScanSource,
    SentStatus,
)


class BottleRow(NamedTuple):
    id: str
    identifier: str
    gtin: str
    serial: str
    status: BottleStatus | int
    created_at_us: int
    updated_at_us: int
    line_id: str | None
    product_id: str | None
    party: str | None
    device_id: str | None
    batch_id: str | None
    is_preprint: bool


class BatchRow(NamedTuple):
    id: str
    identifier: str
    name: str
    status: AggregateStatus
    sent_status: SentStatus
    batch_size: int | None
    bottle_count: int
    line_id: str | None
    product_id: str | None
    party: str | None
    device_id: str | None
    pallet_id: str | None
    created_at_us: int
    completed_at_us: int | None


class PalletRow(NamedTuple):
    id: str
    identifier: str
    sscc: str
    name: str
    status: AggregateStatus
    sent_status: SentStatus
    batch_count: int
    line_id: str | None
    device_id: str | None
    created_at_us: int
    completed_at_us: int | None


class ScanRow(NamedTuple):
    id: str
    code: str
    valid: bool
    duplicate: bool
    gtin: str | None
    reason: str | None
    message: str | None
    bottle_id: str | None
    line_id: str | None
    scanner_index: int | None
    source: ScanSource
    scanned_at_us: int
    recorded_at_us: int


class GatewayRead(NamedTuple):
    """What a gateway told with a scan; of the scanner behind it what begins with `device_`, whose
    temperature is in degrees Celsius and whose battery in percent."""

    gateway_id: str
    event_id: str
    usecase: str
    station: str
    symbology: str | None = None
    duration_s: float | None = None
    device_id: str | None = None
    device_battery: int | None = None
    device_firmware: str | None = None
    device_temperature: float | None = None
    worker_steps: int | None = None


class ToldScan(NamedTuple):
    """A scan with what a gateway told with it, where one did."""

    scan: ScanRow
    gateway: GatewayRead | None

    @property
    def id(self) -> str:
        return self.scan.id


class TraceRow(NamedTuple):
    """One moment in the life of an item."""

    id: str
    subject_id: str
    subject_kind: ItemKind
    kind: str
    status: str | None
    other_id: str | None
    actor: str
    at_us: int


class ContainmentRow(NamedTuple):
    child_id: str
    child_kind: ItemKind
    parent_id: str
    parent_kind: ItemKind
    from_us: int
    until_us: int | None


class OverviewRow(NamedTuple):
    """The dashboard. "Today" began at `day_start_us`, by the site's time zone."""

    at_us: int
    day_start_us: int
    devices_online: int
    devices_offline: int
    bottles_today: int
    batches_today: int
    pallets_today: int
    batches_completed: int
    """Of today."""
    bottles_per_minute: int
    sync_queue_total: int


class BufferBatchRow(NamedTuple):
    """`loaded` counts the consumed ones too."""

    id: str
    identifier: str
    name: str
    line_id: str | None
    loaded: int
    consumed: int
    loaded_at_us: int

    @property
    def remaining(self) -> int:
        return self.loaded - self.consumed


class BufferItemRow(NamedTuple):
    gtin: str
    serial: str
    batch_id: str
    bottle_id: str
    consumed_at_us: int | None
    consumed_by: str | None


class BufferFigures(NamedTuple):
    """Of all that is loaded; `batches` are the newest of them."""

    loaded: int
    consumed: int
    batches: Sequence[BufferBatchRow]

    @property
    def remaining(self) -> int:
        return self.loaded - self.consumed

"""Rows and figures as resolvers return them and every face presents them. Never a token."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from domain.production.rows import BatchRow, BottleRow, PalletRow
from domain.sync.models import ConnectionMode, ProvisioningStatus


class ProvisioningRow(NamedTuple):
    """The device fields are set while a device is activated, whatever the status says."""

    status: ProvisioningStatus = ProvisioningStatus.NOT_PROVISIONED
    device_id: str | None = None
    device_identifier: str | None = None
    device_name: str | None = None
    device_mode: str | None = None
    company_id: str | None = None
    company_name: str | None = None
    seq_number: str | None = None
    industry: str | None = None
    activated_at_us: int | None = None


class AttemptRow(NamedTuple):
    """What decides whether a call to the cloud may begin, and where it falls back to."""

    attempt_id: str | None
    attempt_at_us: int | None
    has_session: bool
    has_device: bool


class SealedTokens(NamedTuple):
    user: str | None = None
    device: str | None = None


class ConnectionRow(NamedTuple):
    mode: ConnectionMode = ConnectionMode.DIRECT_CLOUD
    allow_switch: bool = True
    last_sync_at_us: int | None = None
    sync_errors: int = 0
    last_error: str | None = None
    counted_seq: int = 0
    waiting: int = 0
    chosen: bool = False


class QueueFact(NamedTuple):
    """A fact that waits. `weight` is how many items of the queue it stands for."""

    seq: int
    kind: str
    key: str
    payload: str
    weight: int


class QueueFigures(NamedTuple):
    """An item is one change of one bottle, batch or pallet."""

    size: int
    oldest_at_us: int | None


NOTHING_WAITS: Final = QueueFigures(0, None)


class SyncStatusRow(NamedTuple):
    """`connected`: the way is open and the last pass that had something to deliver went well."""

    queue_size: int
    oldest_item_at_us: int | None
    last_sync_at_us: int | None
    sync_errors: int
    last_error: str | None
    mode: ConnectionMode
    allow_switch: bool
    connected: bool


class SyncOutcome(NamedTuple):
    """`synced` and `failed` are items that left the queue; `failed` ones the cloud refused."""

    synced: int
    failed: int
    remaining: int


@dataclass(frozen=True, slots=True)
class DevicePage:
    """The provisioned device with the newest numbers that it printed."""

    provisioning: ProvisioningRow
    last_batch_identifier: str | None
    last_pallet_identifier: str | None


@dataclass(frozen=True, slots=True)
class QueuePage:
    """The queue's facts in (start, end], and what they touched: ids, each once."""

    start: int
    end: int
    weight: int
    bottle_ids: tuple[str, ...] = ()
    batch_ids: tuple[str, ...] = ()
    pallet_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cargo:
    """Rows of one moment: `version` is the log's head in the snapshot they were read from."""

    version: int
    bottles: Sequence[BottleRow] = field(default_factory=tuple)
    batches: Sequence[BatchRow] = field(default_factory=tuple)
    pallets: Sequence[PalletRow] = field(default_factory=tuple)

    def identifiers(self) -> dict[str, str]:
        """What is printed on each, by id."""
        found = {row.id: row.identifier for row in self.bottles}
        found |= {row.id: row.identifier for row in self.batches}
        return found | {row.id: row.identifier for row in self.pallets}

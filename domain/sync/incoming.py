"""States that an edge delivered, as the rows they become here. Pure.

What an edge sends as SENT is SYNCED here: that is what the edge's own row becomes by the receipt,
so that both sides hold the same once it is settled."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from domain.kernel.clock import to_us
from domain.kernel.ids import is_id
from domain.kernel.text import is_storable
from domain.production.models import AggregateStatus, BottleStatus, ItemKind, SentStatus
from domain.production.rows import BatchRow, PalletRow
from domain.sync.ports import BatchState, BottleState, EntityState, PalletState, Rejection

INVALID: Final = "INVALID"
MAX_LABEL: Final = 128
MAX_CODE: Final = 512
MAX_VERSION: Final = 2**53
"""What every reader of JSON keeps exact, and more than a row will ever change."""
State = TypeVar("State", BottleState, BatchState, PalletState)
Incoming_ = TypeVar("Incoming_", "IncomingBottle", "IncomingBatch", "IncomingPallet")


class IncomingBottle(NamedTuple):
    """A row of `bottle`, in the order of its insert. `batch_id` is what the edge named until
    `linked` has told whether that batch is here."""

    id: str
    customer_id: int
    origin: str
    sync_version: int
    identifier: str
    gtin: str
    serial: str
    status: int
    created_at_us: int
    updated_at_us: int
    line_id: str | None
    product_id: str | None
    party: str | None
    device_id: str | None
    batch_id: str | None
    pending_batch_id: str | None
    is_preprint: bool

    @property
    def identity(self) -> tuple[str, str]:
        return self.gtin, self.serial


class IncomingBatch(NamedTuple):
    id: str
    customer_id: int
    origin: str
    sync_version: int
    identifier: str
    name: str
    status: str
    sent_status: str
    batch_size: int | None
    bottle_count: int
    line_id: str | None
    product_id: str | None
    party: str | None
    device_id: str | None
    pallet_id: str | None
    pending_pallet_id: str | None
    created_at_us: int
    completed_at_us: int | None

    @property
    def identity(self) -> tuple[str, str]:
        return self.identifier, ""

    @property
    def updated_at_us(self) -> int:
        """Its last milestone."""
        return self.completed_at_us or self.created_at_us

    def row(self) -> BatchRow:
        return BatchRow(*(getattr(self, name) for name in BatchRow._fields))


class IncomingPallet(NamedTuple):
    id: str
    customer_id: int
    origin: str
    sync_version: int
    identifier: str
    sscc: str
    name: str
    status: str
    sent_status: str
    batch_count: int
    line_id: str | None
    device_id: str | None
    created_at_us: int
    completed_at_us: int | None

    @property
    def identity(self) -> tuple[str, str]:
        return self.identifier, self.sscc

    @property
    def updated_at_us(self) -> int:
        return self.completed_at_us or self.created_at_us

    def row(self) -> PalletRow:
        return PalletRow(*(getattr(self, name) for name in PalletRow._fields))


Incoming = IncomingBottle | IncomingBatch | IncomingPallet


def rows_of(
    states: Sequence[State], build: Callable[[State], Incoming_ | None]
) -> tuple[list[Incoming_], list[Rejection]]:
    """The rows, and those states that no row can be made of."""
    rows: list[Incoming_] = []
    refused: list[Rejection] = []
    for state in states:
        row = build(state) if _fits(state) else None
        if row is None:
            refused.append(Rejection(state.id, INVALID))
        else:
            rows.append(row)
    return rows, refused


class Rows:
    """Builds the rows of one edge's delivery."""

    def __init__(self, customer_id: int, origin: str) -> None:
        self._of = (customer_id, origin)

    def bottle(self, state: BottleState) -> IncomingBottle | None:
        if state.gtin is None or state.serial is None or len(state.gtin) > 14:
            return None
        sent = state.status == BottleStatus.SENT
        return IncomingBottle(
            state.id,
            *self._of,
            state.version,
            state.identifier,
            state.gtin,
            state.serial,
            int(BottleStatus.SYNCED) if sent else state.status,
            to_us(state.created_at),
            to_us(state.updated_at),
            state.production_line_id,
            state.product_id,
            state.party,
            state.device_id,
            state.batch_id,
            None,
            state.is_preprint,
        )

    def batch(self, state: BatchState) -> IncomingBatch | None:
        if state.status not in _STATUSES:
            return None
        return IncomingBatch(
            state.id,
            *self._of,
            state.version,
            state.identifier,
            state.name or state.identifier,
            state.status,
            str(SentStatus.SYNCED),
            state.batch_size,
            state.bottle_count,
            state.production_line_id,
            state.product_id,
            state.party,
            state.device_id,
            state.pallet_id,
            None,
            to_us(state.created_at),
            _moment(state.completed_at),
        )

    def pallet(self, state: PalletState) -> IncomingPallet | None:
        if state.status not in _STATUSES or state.sscc is None or len(state.sscc) > 18:
            return None
        return IncomingPallet(
            state.id,
            *self._of,
            state.version,
            state.identifier,
            state.sscc,
            state.name or state.identifier,
            state.status,
            str(SentStatus.SYNCED),
            state.batch_count,
            state.production_line_id,
            state.device_id,
            to_us(state.created_at),
            _moment(state.completed_at),
        )


def linked_bottle(row: IncomingBottle, known: frozenset[str]) -> IncomingBottle:
    if row.batch_id is None or row.batch_id in known:
        return row
    return row._replace(batch_id=None, pending_batch_id=row.batch_id)


def linked_batch(row: IncomingBatch, known: frozenset[str]) -> IncomingBatch:
    if row.pallet_id is None or row.pallet_id in known:
        return row
    return row._replace(pallet_id=None, pending_pallet_id=row.pallet_id)


def parent_of(row: Incoming) -> str | None:
    """The container that it stands in here."""
    if isinstance(row, IncomingBottle):
        return row.batch_id
    return row.pallet_id if isinstance(row, IncomingBatch) else None


def status_name(row: Incoming) -> str:
    if isinstance(row, IncomingBottle):
        return BottleStatus(row.status).name
    return AggregateStatus(row.status).name


def kind_of(row: Incoming) -> ItemKind:
    if isinstance(row, IncomingBottle):
        return ItemKind.BOTTLE
    return ItemKind.BATCH if isinstance(row, IncomingBatch) else ItemKind.PALLET


_STATUSES: Final = frozenset(str(status) for status in AggregateStatus)
_LABELS: Final = ("production_line_id", "product_id", "party", "device_id", "name")


def _fits(state: EntityState) -> bool:
    """Whether both databases can hold it. Ids are those that edges make."""
    if not is_id(state.id) or state.version > MAX_VERSION:
        return False
    link = getattr(state, "batch_id", None) or getattr(state, "pallet_id", None)
    if link is not None and not is_id(link):
        return False
    codes = [state.identifier, getattr(state, "serial", None) or ""]
    labels = [getattr(state, name, None) or "" for name in _LABELS]
    if max(map(len, codes)) > MAX_CODE or max(map(len, labels)) > MAX_LABEL:
        return False
    return is_storable("".join([*codes, *labels]))


def _moment(at: datetime | None) -> int | None:
    return None if at is None else to_us(at)

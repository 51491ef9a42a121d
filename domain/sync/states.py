"""Rows of production as the states that are delivered. Pure."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

from domain.kernel.clock import from_us
from domain.production.rows import BatchRow, BottleRow, PalletRow
from domain.sync.ports import BatchState, BottleState, PalletState, SyncBatch
from domain.sync.rows import Cargo, QueuePage

# States in one call upstream: half a megabyte before compression.
DELIVERY_ITEMS = 1_000


def deliveries(log_id: str, page: QueuePage, cargo: Cargo) -> Iterator[SyncBatch]:
    """The page's states, aggregates after what they hold. A key names log and place for people,
    and follows from the content, so that it never stands for two contents."""
    bottles = [bottle_state(row, cargo.version) for row in cargo.bottles]
    batches = [batch_state(row, cargo.version) for row in cargo.batches]
    pallets = [pallet_state(row, cargo.version) for row in cargo.pallets]
    for start in range(0, max(len(bottles), len(batches), len(pallets)), DELIVERY_ITEMS):
        part = slice(start, start + DELIVERY_ITEMS)
        content = SyncBatch.of(bottles=bottles[part], batches=batches[part], pallets=pallets[part])
        yield SyncBatch(
            idempotency_key=_key(log_id, page, content.idempotency_key),
            bottles=content.bottles,
            batches=content.batches,
            pallets=content.pallets,
        )


def _key(log_id: str, page: QueuePage, content: str) -> str:
    digest = sha256(content.encode()).hexdigest()[:32]
    return f"{log_id}.{page.start}-{page.end}.{digest}"


def bottle_state(row: BottleRow, version: int) -> BottleState:
    return BottleState(
        id=row.id,
        version=version,
        identifier=row.identifier,
        status=int(row.status),
        created_at=from_us(row.created_at_us),
        updated_at=from_us(row.updated_at_us),
        gtin=row.gtin,
        serial=row.serial,
        production_line_id=row.line_id or None,
        product_id=row.product_id or None,
        party=row.party or None,
        device_id=row.device_id or None,
        batch_id=row.batch_id,
        is_preprint=bool(row.is_preprint),
    )


def batch_state(row: BatchRow, version: int) -> BatchState:
    """A batch keeps no time of its last change: `updated_at` is its last milestone."""
    return BatchState(
        id=row.id,
        version=version,
        identifier=row.identifier,
        status=str(row.status),
        bottle_count=row.bottle_count,
        created_at=from_us(row.created_at_us),
        updated_at=from_us(row.completed_at_us or row.created_at_us),
        name=row.name,
        batch_size=row.batch_size,
        production_line_id=row.line_id or None,
        product_id=row.product_id or None,
        party=row.party or None,
        device_id=row.device_id or None,
        pallet_id=row.pallet_id,
        completed_at=_moment(row.completed_at_us),
    )


def pallet_state(row: PalletRow, version: int) -> PalletState:
    return PalletState(
        id=row.id,
        version=version,
        identifier=row.identifier,
        status=str(row.status),
        batch_count=row.batch_count,
        created_at=from_us(row.created_at_us),
        updated_at=from_us(row.completed_at_us or row.created_at_us),
        sscc=row.sscc,
        name=row.name,
        production_line_id=row.line_id or None,
        device_id=row.device_id or None,
        completed_at=_moment(row.completed_at_us),
    )


def _moment(at_us: int | None) -> datetime | None:
    return None if at_us is None else from_us(at_us)

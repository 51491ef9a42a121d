"""Facts of what was delivered: for the queue towards the cloud, and for whoever watches live."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from domain.kernel.uow import UnitOfWork
from domain.production import events
from domain.production.models import AggregateStatus, ItemKind
from domain.sync.incoming import IncomingBatch, IncomingPallet
from domain.sync.repository.intake import Written

# Ids in one fact, so that no row of the log grows without bound.
FACT_CHUNK: Final = 500


def record_received(
    work: UnitOfWork,
    origin: str,
    bottles: Written,
    batches: Written,
    pallets: Written,
    linked: Mapping[ItemKind, Sequence[str]],
) -> None:
    """`items.received` names everything that is new here, changed, or now in its container. What
    became of batches and pallets is told in their own words too, in a stream that the queue does
    not read."""
    named = [*_named("bottle", bottles), *_named("batch", batches), *_named("pallet", pallets)]
    named += [(kind.lower(), item) for kind, ids in linked.items() for item in ids]
    touched = list(dict.fromkeys(named))
    for start in range(0, len(touched), FACT_CHUNK):
        chunk = touched[start : start + FACT_CHUNK]
        ids: dict[str, Any] = {
            f"{kind}_ids": [item for name, item in chunk if name == kind] for kind in _KINDS
        }
        work.record(events.STREAM, events.ITEMS_RECEIVED, origin, **ids)
    for kind, batch in _told(batches, _BATCH):
        work.record(events.RECEIVED, kind, batch.id, batch=batch.row()._asdict(), bottle_ids=[])
    for kind, pallet in _told(pallets, _PALLET):
        work.record(events.RECEIVED, kind, pallet.id, pallet=pallet.row()._asdict(), batch_ids=[])


_KINDS: Final = ("bottle", "batch", "pallet")
_BATCH: Final = (
    events.BATCH_CREATED,
    events.BATCH_FILLED,
    events.BATCH_EMPTIED,
    events.BATCH_COMPLETED,
    events.BATCH_DISAGGREGATED,
)
# A pallet that lost some of its batches and still stands has no word of its own.
_PALLET: Final = (
    events.PALLET_CREATED,
    events.PALLET_FILLED,
    events.PALLET_FILLED,
    events.PALLET_COMPLETED,
    events.PALLET_DISAGGREGATED,
)
Words = tuple[str, str, str, str, str]


def _named(kind: str, found: Written) -> list[tuple[str, str]]:
    rows = [*found.fresh, *(row for _, row in found.changed)]
    return [(kind, row.id) for row in rows]


def _told(found: Written, words: Words) -> Iterator[tuple[str, Any]]:
    created, filled, emptied, completed, gone = words
    endings = {AggregateStatus.COMPLETE: completed, AggregateStatus.DISAGGREGATED: gone}
    for row in found.fresh:
        yield created, row
        if row.status in endings:
            yield endings[AggregateStatus(row.status)], row
    for old, row in found.changed:
        if old.status != row.status and row.status in endings:
            yield endings[AggregateStatus(row.status)], row
        else:
            yield (emptied if _count(row) < old.held else filled), row


def _count(row: IncomingBatch | IncomingPallet) -> int:
    return row.bottle_count if isinstance(row, IncomingBatch) else row.batch_count

"""Batch accounting as the OKTO edge API shows it. Its oddities:

- a batch goes by `batchIdentifier`, and what it says of itself stands beside its figures;
- every verdict is a 200: a code that is not in the buffer is an answer, not a refusal.
"""

from collections.abc import Sequence

from compat_rest.kernel.okto.presenter import Body, data, moment
from domain.kernel.clock import iso
from domain.production.operations.buffer import BufferLoaded, Verification
from domain.production.rows import BufferBatchRow, BufferFigures


def batch(row: BufferBatchRow) -> Body:
    return {
        "id": row.id,
        "batchIdentifier": row.identifier,
        "name": row.name,
        "loaded": row.loaded,
        "consumed": row.consumed,
        "remaining": row.remaining,
        "loadedAt": iso(row.loaded_at_us),
    }


def loaded(done: BufferLoaded) -> Body:
    return data(batch(done.batch) | {"added": done.added})


def state(figures: BufferFigures) -> Body:
    return data(
        {
            "loaded": figures.loaded,
            "consumed": figures.consumed,
            "remaining": figures.remaining,
            "batches": [batch(row) for row in figures.batches],
        }
    )


def cleared(gone: Sequence[BufferBatchRow]) -> Body:
    return data(
        {
            "cleared": sum(row.loaded for row in gone),
            "batches": [row.identifier for row in gone],
        }
    )


def verified(done: Verification) -> Body:
    item, reading = done.item, done.reading
    return data(
        {
            "verified": done.verified,
            "result": str(done.verdict),
            "gtin": reading.gtin,
            "serial": reading.serial,
            "bottleId": None if item is None else item.bottle_id,
            "batchIdentifier": None if done.batch is None else done.batch.identifier,
            "consumedAt": None if item is None else moment(item.consumed_at_us),
            "consumedBy": None if item is None else item.consumed_by,
            "reason": None if done.reason is None else str(done.reason),
            "message": done.message,
        }
    )

"""Facts of production, past tense. Their payloads carry the rows as they became."""

from typing import Final

STREAM: Final = "production"

SCAN_RECORDED: Final = "scan.recorded"
BOTTLES_CREATED: Final = "bottles.created"
BOTTLE_STATUS_CHANGED: Final = "bottle.status_changed"
BATCH_CREATED: Final = "batch.created"
BATCH_FILLED: Final = "batch.bottles_added"
BATCH_EMPTIED: Final = "batch.bottles_removed"
BATCH_COMPLETED: Final = "batch.completed"
BATCH_DISAGGREGATED: Final = "batch.disaggregated"
PALLET_CREATED: Final = "pallet.created"
PALLET_FILLED: Final = "pallet.batches_added"
PALLET_COMPLETED: Final = "pallet.completed"
PALLET_DISAGGREGATED: Final = "pallet.disaggregated"

"""Facts of production, past tense. Their payloads carry the rows as they became."""

from typing import Final

STREAM: Final = "production"
# Facts of batches and pallets that an edge delivered: the same words with the same payloads, and
# the names of what went in or out left out. The queue does not read it.
RECEIVED: Final = "received"

SCAN_RECORDED: Final = "scan.recorded"
# A read that could not have made a bottle, see ScanPurpose; the payload is the same.
SCAN_CHECKED: Final = "scan.checked"
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
# An edge delivered these, new or changed: {bottle_ids, batch_ids, pallet_ids}; the key is the edge.
ITEMS_RECEIVED: Final = "items.received"

# What people mean by a scan.
SCAN_KINDS: Final = frozenset({SCAN_RECORDED, SCAN_CHECKED})
# Batch accounting. The key is the batch; the payload has it with its figures as they became, of a
# cleared one as they were, and the item that was consumed.
BUFFER_LOADED: Final = "buffer.loaded"
BUFFER_CONSUMED: Final = "buffer.consumed"
BUFFER_CLEARED: Final = "buffer.cleared"

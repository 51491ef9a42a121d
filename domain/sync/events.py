"""Facts of synchronisation, past tense. Nothing in this stream is ever sent upstream."""

from typing import Final

STREAM: Final = "sync"

# {status: started | completed | failed, synced, failed, remaining}; a failed one has `error` too.
STARTED: Final = "sync.started"
COMPLETED: Final = "sync.completed"
FAILED: Final = "sync.failed"
# {bottle_ids, batch_ids, pallet_ids} that became SENT, and SYNCED.
ITEMS_SENT: Final = "items.sent"
ITEMS_SYNCED: Final = "items.synced"
# {status, device_id, device_identifier, …}: the row as it became, without tokens.
PROVISIONING_CHANGED: Final = "provisioning.changed"
# {count, by, reason}: what waited and was dropped.
QUEUE_CLEARED: Final = "queue.cleared"
# {mode, previous}
MODE_CHANGED: Final = "connection.mode_changed"

"""Names of what edges measure, as telemetry carries them.

Counts are of the time since the point before: they add up."""

from typing import Final

SCANS: Final = "line.scans"
REJECTS: Final = "line.scans_rejected"
SCANS_PER_MINUTE: Final = "line.scans_per_minute"
REJECT_RATE: Final = "line.reject_rate_percent"
QUEUE_SIZE: Final = "sync.queue_size"
CPU: Final = "process.cpu_percent"
MEMORY: Final = "process.peak_memory_bytes"

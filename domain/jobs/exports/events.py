"""Facts of exports, past tense. The key is the task's id."""

from typing import Final

STREAM: Final = "jobs"

# {from_us, to_us, layout}
REQUESTED: Final = "export.requested"
# {rows, size_bytes}
SUCCEEDED: Final = "export.succeeded"
# {reason}
FAILED: Final = "export.failed"

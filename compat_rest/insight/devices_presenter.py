"""Worn scanners as Insight shows them. Its oddities:

- its "devices" are scanners alone; `id` is the serial number, while paths also take our UUID;
- `created` is when it was first heard of: that it is "the last message" there is a slip of the
  description, which says the same of `last_activity_time`;
- a scanner is known from its first scan on, and people only say whether it is in use.
"""

from typing import Any

from domain.gateways.rows import ScannerRow

Body = dict[str, Any]
MILLISECOND_US = 1_000


def device(row: ScannerRow) -> Body:
    body = {
        "id": row.serial,
        "class": "device",
        "created": row.created_at_us // MILLISECOND_US,
        "last_activity_time": (row.last_activity_at_us or 0) // MILLISECOND_US,
        "last_updated": row.updated_at_us // MILLISECOND_US,
        "battery": row.battery,
        "firmware": row.firmware or "",
        "model": row.model or "",
        "manufacturer": row.manufacturer or "",
        "status": str(row.status),
    }
    return {name: value for name, value in body.items() if value is not None}

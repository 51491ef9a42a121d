"""Identifiers: UUID version 7 (RFC 9562), written as 32 hexadecimal digits.

They sort by creation, so a list by id is a list by time and inserts touch the right edge of the
index only. Edges make them without asking anybody.
"""

import re
import secrets
import time
from threading import Lock
from typing import Final

PLAIN: Final = re.compile(r"[0-9a-f]{32}")
NOTHING: Final = "0" * 32
"""An id that nothing has: what a filter by something that is no id looks for."""
_COUNTER_BITS: Final = 42
_LAST_MILLISECOND: Final = 2**48 - 1
_VERSION: Final = 0x7 << 76
_VARIANT: Final = 0x2 << 62
_last: int = 0
_lock = Lock()


def new_id() -> str:
    """A fresh id, greater than every one this process made before."""
    return new_id_bytes().hex()


def new_id_bytes() -> bytes:
    """The same as its 16 bytes, as SQLite stores it."""
    global _last
    moment = (time.time_ns() // 1_000_000) << 74
    with _lock:
        # 74 free bits: within one millisecond, count upwards by a random step.
        if moment > _last:
            _last = moment | secrets.randbits(73)
        else:
            _last += 1 + secrets.randbits(_COUNTER_BITS)
        value = _last
    high = (value >> 74) << 80
    return (
        high | _VERSION | ((value >> 62) & 0xFFF) << 64 | _VARIANT | value & (2**62 - 1)
    ).to_bytes(16, "big")


def earliest_id(at_us: int) -> str:
    """Not above any id that was made from that millisecond on, above all from before."""
    moment = min(max(at_us, 0) // 1000, _LAST_MILLISECOND)
    return f"{moment:012x}{'0' * 20}"


def is_id(text: str) -> bool:
    """Whether `text` can be an id of ours; anything else names nothing."""
    return PLAIN.fullmatch(text) is not None

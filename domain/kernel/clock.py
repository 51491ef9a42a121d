"""Time: aware UTC inside, microseconds since the epoch in storage."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """What the domain knows of time; tests hand in one that they move themselves."""

    def now_us(self) -> int:
        """Microseconds since the epoch, UTC."""


class SystemClock:
    def now_us(self) -> int:
        return time.time_ns() // 1000


def from_us(value_us: int) -> datetime:
    """Exact, unlike `datetime.fromtimestamp(us / 1e6)`."""
    return EPOCH + timedelta(microseconds=value_us)


def to_us(value: datetime) -> int:
    """Raises ValueError for a naive time: its zone would be a guess."""
    if value.tzinfo is None:
        raise ValueError("a time without a zone")
    return (value - EPOCH) // MICROSECOND

"""Time: aware UTC inside, microseconds since the epoch in storage."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND_US = 1_000_000
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


def iso(value_us: int) -> str:
    """`2026-01-01T10:00:00Z`, with microseconds only where there are any."""
    return from_us(value_us).replace(tzinfo=None).isoformat() + "Z"


def parse_iso(text: str) -> int:
    """ISO 8601 with a zone, as microseconds. Raises ValueError with a reason fit for a user."""
    try:
        return to_us(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise ValueError("not an ISO 8601 time with a zone") from error

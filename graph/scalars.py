"""Scalars of the schema. Inside, a time is microseconds since the epoch; outside, ISO 8601 Z."""

from datetime import datetime
from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from domain.kernel.clock import from_us, to_us

Timestamp = NewType("Timestamp", int)


def iso(value_us: int) -> str:
    """`2026-01-01T10:00:00Z`, with microseconds only where there are any."""
    return from_us(value_us).replace(tzinfo=None).isoformat() + "Z"


def parse_iso(value: object) -> int:
    """ISO 8601 with a zone. Raises ValueError with a reason fit for a user."""
    if not isinstance(value, str):
        raise ValueError("a time is a string, ISO 8601 with a zone")
    try:
        return to_us(datetime.fromisoformat(value))
    except (ValueError, OverflowError) as error:
        raise ValueError("not an ISO 8601 time with a zone") from error


SCALARS: dict[object, ScalarDefinition] = {
    Timestamp: strawberry.scalar(
        name="DateTime",
        description="ISO 8601 in UTC, to the microsecond",
        serialize=iso,
        parse_value=parse_iso,
    )
}

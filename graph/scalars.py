"""Scalars of the schema. Inside, a time is microseconds since the epoch; outside, ISO 8601 Z."""

from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from domain.kernel.clock import iso, parse_iso

Timestamp = NewType("Timestamp", int)


def moment(value_us: int | None) -> Timestamp | None:
    """What has not happened yet has no time."""
    return None if value_us is None else Timestamp(value_us)


def _parse(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError("a time is a string, ISO 8601 with a zone")
    return parse_iso(value)


SCALARS: dict[object, ScalarDefinition] = {
    Timestamp: strawberry.scalar(
        name="DateTime",
        description="ISO 8601 in UTC, to the microsecond",
        serialize=iso,
        parse_value=_parse,
    )
}

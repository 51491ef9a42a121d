"""Scalars of the schema. Inside, a time is microseconds since the epoch; outside, ISO 8601 Z."""

from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from domain.kernel.clock import iso, parse_iso

Timestamp = NewType("Timestamp", int)


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

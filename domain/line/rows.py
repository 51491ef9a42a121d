"""Rows of the line's configuration. Times in microseconds."""

from typing import NamedTuple


class OverrideRow(NamedTuple):
    key: str
    value: str
    actor: str
    changed_at_us: int

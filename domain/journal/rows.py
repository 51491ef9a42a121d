"""Rows as the repository returns them, facts carry them and every face presents them."""

from typing import NamedTuple

from domain.journal.models import Severity


class EventRow(NamedTuple):
    """Times in microseconds since the epoch. `data` is JSON text of an object, or null."""

    id: str
    severity: Severity
    category: str
    source: str
    message: str
    data: str | None
    occurred_at_us: int
    acknowledged_at_us: int | None
    acknowledged_by: str | None

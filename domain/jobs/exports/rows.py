"""Rows as the repository returns them. Times in microseconds."""

from typing import NamedTuple

from domain.jobs.exports.models import ExportStatus


class ExportTaskRow(NamedTuple):
    id: str
    customer_id: int
    layout: str
    from_us: int
    to_us: int
    status: ExportStatus
    requested_at_us: int
    requested_by: str
    completed_at_us: int | None
    error: str | None
    rows: int
    size_bytes: int
    object_key: str | None
    attempts: int

    @property
    def has_file(self) -> bool:
        return self.status is ExportStatus.SUCCESSFUL and self.object_key is not None

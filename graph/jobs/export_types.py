"""What the graph shows of exports."""

import strawberry

from domain.jobs.exports.commands import ExportScans
from domain.jobs.exports.models import ExportStatus
from domain.jobs.exports.rows import ExportTaskRow
from graph.info import Info
from graph.jobs import resolvers
from graph.pagination import Node, global_id
from graph.scalars import Timestamp, moment

strawberry.enum(ExportStatus, name="ExportStatus")


@strawberry.input(description="Of when they were read; the last day where nothing is said")
class ExportScansInput:
    scanned_from: Timestamp | None = None
    scanned_to: Timestamp | None = strawberry.field(default=None, description="Not included")

    def command(self, now_us: int) -> ExportScans:
        return ExportScans.within(now_us, self.scanned_from, self.scanned_to)


@strawberry.type(description="Scans that are written to a CSV file")
class ExportTask(Node):
    status: ExportStatus
    scanned_from: Timestamp
    scanned_to: Timestamp
    requested_at: Timestamp
    requested_by: str
    completed_at: Timestamp | None
    error: str | None
    rows: int = strawberry.field(description="0 until it is done")
    size_bytes: float = strawberry.field(description="0 until it is done")
    row: strawberry.Private[ExportTaskRow]

    @strawberry.field(
        description="A path on the factory, good for five minutes from now and without a token; "
        "null while or where there is no file"
    )
    async def download_url(self, info: Info) -> str | None:
        token = await resolvers.export_link(info.context, self.row)
        policy = info.context.services.policy
        return None if token is None else f"{policy.public_url}{policy.downloads_path}/{token}"


def export_task_type(row: ExportTaskRow) -> ExportTask:
    return ExportTask(
        id=global_id("ExportTask", row.id),
        status=ExportStatus(row.status),
        scanned_from=Timestamp(row.from_us),
        scanned_to=Timestamp(row.to_us),
        requested_at=Timestamp(row.requested_at_us),
        requested_by=row.requested_by,
        completed_at=moment(row.completed_at_us),
        error=row.error,
        rows=row.rows,
        size_bytes=row.size_bytes,
        row=row,
    )

"""Writes of export tasks inside a given unit of work."""

from domain.jobs.exports import events, repository
from domain.jobs.exports.commands import ExportScans
from domain.jobs.exports.models import ExportStatus
from domain.jobs.exports.ports import ExportServices
from domain.jobs.exports.repository import Finished
from domain.jobs.exports.rows import ExportTaskRow
from domain.kernel.errors import Conflict, ValidationFailed
from domain.kernel.ids import new_id
from domain.kernel.uow import UnitOfWork


async def request(
    work: UnitOfWork, command: ExportScans, services: ExportServices
) -> ExportTaskRow:
    """Raises Conflict where too many are under way already."""
    if command.layout not in services.layouts:
        raise ValidationFailed("layout", f"must be one of {', '.join(services.layouts)}")
    pending = await repository.count(work.session, work.customer_id, pending=True)
    if pending >= services.settings.most_pending:
        raise Conflict("Too many exports are under way: wait for one to end", pending=pending)
    row = ExportTaskRow(
        id=new_id(),
        customer_id=work.customer_id,
        layout=command.layout,
        from_us=command.from_us,
        to_us=command.to_us,
        status=ExportStatus.PENDING,
        requested_at_us=work.now_us,
        requested_by=work.actor.name,
        completed_at_us=None,
        error=None,
        rows=0,
        size_bytes=0,
        object_key=None,
        attempts=0,
    )
    await repository.insert_task(work.session, row)
    window = command.model_dump()
    work.record(events.STREAM, events.REQUESTED, row.id, **window)
    return row


async def finish(work: UnitOfWork, task: ExportTaskRow, holder: str, ended: Finished) -> bool:
    """False where somebody else has taken it over, who will end it."""
    if not await repository.finish(work.session, task.id, holder, ended, work.now_us):
        return False
    if ended.status is ExportStatus.SUCCESSFUL:
        told = {"rows": ended.rows, "size_bytes": ended.size_bytes}
        work.record(events.STREAM, events.SUCCEEDED, task.id, **told)
    else:
        work.record(events.STREAM, events.FAILED, task.id, reason=ended.error)
    return True

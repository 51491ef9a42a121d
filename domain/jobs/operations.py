"""Writes of job configurations inside a given unit of work."""

from domain.jobs import events, repository
from domain.jobs.commands import (
    MAX_CONFIGURATIONS,
    CreateJobConfiguration,
    UpdateJobConfiguration,
)
from domain.jobs.rows import JobConfigurationRow
from domain.kernel.errors import Conflict
from domain.kernel.ids import new_id
from domain.kernel.lookups import required
from domain.kernel.uow import UnitOfWork

ENTITY = "Job configuration"


async def create(work: UnitOfWork, command: CreateJobConfiguration) -> JobConfigurationRow:
    """Raises Conflict where the name is taken, or where there are as many as there may be."""
    session, customer_id = work.session, work.customer_id
    await repository.touch_list(session, customer_id)
    if await repository.count(session, customer_id) >= MAX_CONFIGURATIONS:
        raise Conflict(f"There are {MAX_CONFIGURATIONS} job configurations already")
    row = JobConfigurationRow(
        id=new_id(),
        version=0,
        created_at_us=work.now_us,
        updated_at_us=work.now_us,
        **command.model_dump(),
    )
    if not await repository.insert(session, customer_id, row):
        raise _taken(command.name)
    work.record(events.STREAM, events.CREATED, row.id, configuration=row._asdict())
    return row


async def update(work: UnitOfWork, command: UpdateJobConfiguration) -> JobConfigurationRow:
    """Raises NotFound, or Conflict for a name that is taken and where somebody else was first."""
    session, customer_id = work.session, work.customer_id
    await repository.touch_list(session, customer_id)
    before = await required(work, repository.by_ids, ENTITY, command.configuration_id)
    if command.version not in (None, before.version):
        raise Conflict("The job configuration was changed meanwhile", version=before.version)
    given = command.model_dump(exclude={"configuration_id", "version"}, exclude_none=True)
    if await repository.name_is_taken(session, customer_id, given.get("name"), before.id):
        raise _taken(given["name"])
    row = before._replace(version=before.version + 1, updated_at_us=work.now_us, **given)
    await repository.replace(session, customer_id, row)
    work.record_change(
        events.STREAM, events.UPDATED, row.id, before._asdict(), configuration=row._asdict()
    )
    return row


async def delete(work: UnitOfWork, configuration_id: str) -> JobConfigurationRow:
    """What it was. Raises NotFound."""
    await repository.touch_list(work.session, work.customer_id)
    row = await required(work, repository.by_ids, ENTITY, configuration_id)
    await repository.delete(work.session, work.customer_id, row.id)
    work.record(events.STREAM, events.DELETED, row.id, configuration=row._asdict())
    return row


def _taken(name: str) -> Conflict:
    return Conflict("A job configuration of this name exists", name=name, field="name")

"""Use cases of jobs: authorise, then one unit of work or one read; every face calls these."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from domain.gateways.repository import gateways
from domain.jobs import operations, reads, repository
from domain.jobs.analysis import jobs_within
from domain.jobs.commands import AnalyseJobs, CreateJobConfiguration, UpdateJobConfiguration
from domain.jobs.reads import Place, Window
from domain.jobs.rows import JobConfigurationList, JobConfigurationRow, JobRow
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from graph.context import Context


async def list_job_configurations(
    context: Context, window: PageRequest
) -> Page[JobConfigurationRow]:
    context.actor.require(Permission.JOBS_CONFIGURATION_READ)
    async with context.read() as session:
        return await repository.page(session, context.customer_id, window)


async def count_job_configurations(context: Context) -> int:
    context.actor.require(Permission.JOBS_CONFIGURATION_READ)
    async with context.read() as session:
        return await repository.count(session, context.customer_id)


async def all_job_configurations(context: Context) -> JobConfigurationList:
    """In one piece, with the version of the list."""
    context.actor.require(Permission.JOBS_CONFIGURATION_READ)
    async with context.read() as session:
        return await repository.listed(session, context.customer_id)


async def job_configuration(context: Context, configuration_id: str) -> JobConfigurationRow | None:
    context.actor.require(Permission.JOBS_CONFIGURATION_READ)
    return await _known(context, configuration_id)


async def create_job_configuration(
    context: Context, command: CreateJobConfiguration
) -> JobConfigurationRow:
    context.actor.require(Permission.JOBS_CONFIGURATION_WRITE)
    async with context.transaction() as work:
        return await operations.create(work, command)


async def update_job_configuration(
    context: Context, command: UpdateJobConfiguration
) -> JobConfigurationRow:
    context.actor.require(Permission.JOBS_CONFIGURATION_WRITE)
    async with context.transaction() as work:
        return await operations.update(work, command)


async def delete_job_configuration(context: Context, configuration_id: str) -> JobConfigurationRow:
    """What it was."""
    context.actor.require(Permission.JOBS_CONFIGURATION_WRITE)
    async with context.transaction() as work:
        return await operations.delete(work, configuration_id)


async def analysed_configuration(context: Context, command: AnalyseJobs) -> JobConfigurationRow:
    """Whose jobs are asked for, with its gateways. Raises NotFound."""
    context.actor.require(Permission.JOBS_ANALYSIS_READ)
    found = await _known(context, command.configuration_id)
    if found is None:
        raise NotFound("Job configuration", command.configuration_id)
    return found


async def jobs_at(
    context: Context,
    configuration: JobConfigurationRow,
    gateway: str,
    command: AnalyseJobs,
) -> AsyncIterator[JobRow]:
    """All of one gateway, which may be named in any way; of one that is not there, none."""
    context.actor.require(Permission.JOBS_ANALYSIS_READ)
    window = await _window(context, gateway, command)
    if window is None:
        return _none()
    return jobs_within(context.read, context.customer_id, configuration, window)


async def job_page(
    context: Context,
    configuration: JobConfigurationRow,
    gateway: str,
    command: AnalyseJobs,
    page: PageRequest,
) -> Page[JobRow]:
    """The first jobs, or the first after the one that ended with the scan `page.after`. Raises
    ValidationFailed for a cursor that is none."""
    context.actor.require(Permission.JOBS_ANALYSIS_READ)
    window = await _window(context, gateway, command)
    if window is None:
        return Page([], has_next=False, has_previous=False)
    if page.after is not None:
        window = window._replace(after=await _place(context, window, page.after))
    rows: list[JobRow] = []
    found = jobs_within(context.read, context.customer_id, configuration, window)
    async with aclosing(found):
        async for job in found:
            rows.append(job)
            if len(rows) > page.limit:
                break
    return Page(rows[: page.limit], len(rows) > page.limit, page.after is not None)


async def count_jobs(
    context: Context, configuration: JobConfigurationRow, gateway: str, command: AnalyseJobs
) -> int:
    context.actor.require(Permission.JOBS_ANALYSIS_READ)
    window = await _window(context, gateway, command)
    if window is None:
        return 0
    total = 0
    async for _ in jobs_within(context.read, context.customer_id, configuration, window):
        total += 1
    return total


async def _known(context: Context, configuration_id: str) -> JobConfigurationRow | None:
    if not is_id(configuration_id):
        return None
    async with context.read() as session:
        found = await repository.by_ids(session, context.customer_id, [configuration_id])
    return found.get(configuration_id)


async def _window(context: Context, gateway: str, command: AnalyseJobs) -> Window | None:
    """None where the gateway is not there."""
    async with context.read() as session:
        row = await gateways.find(session, context.customer_id, gateway)
    return None if row is None else Window(row.id, command.from_us, command.to_us)


async def _place(context: Context, window: Window, cursor: str) -> Place:
    async with context.read() as session:
        found = await reads.place_of(session, context.customer_id, window.gateway_id, cursor)
    if found is None or found.occurred_at_us < window.from_us:
        raise ValidationFailed("after", "not a cursor of this list")
    return found


async def _none() -> AsyncIterator[JobRow]:
    nothing: tuple[JobRow, ...] = ()
    for job in nothing:
        yield job

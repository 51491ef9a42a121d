"""Scans as a file: at once behind a link, or written in the background."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from domain.jobs.exports import operations, repository
from domain.jobs.exports.commands import ExportScans
from domain.jobs.exports.files import Tally, csv_chunks
from domain.jobs.exports.ports import ExportServices
from domain.jobs.exports.rows import ExportTaskRow
from domain.kernel import signing
from domain.kernel.clock import SECOND_US
from domain.kernel.errors import NotFound, Unavailable
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from domain.production.repository import scans
from graph.context import Context

SCANS_PURPOSE: Final = "scans-download"
TASK_PURPOSE: Final = "export-download"


@dataclass(frozen=True, slots=True)
class Lines:
    """A file that is written while it is read: nobody knows yet how long it will be."""

    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Download:
    """A file that is there."""

    chunks: AsyncIterator[bytes]
    size_bytes: int


def exports_of(context: Context) -> ExportServices:
    """Raises Unavailable where there are none: on an edge."""
    found = context.services.exports
    if found is None:
        raise Unavailable("Exports are made at the factory")
    return found


async def scans_link(context: Context, command: ExportScans) -> str:
    """The token of a link that opens a file of these scans to whoever has it, for a while."""
    context.actor.require(Permission.PRODUCTION_SCAN_EXPORT)
    content = {"customer": context.customer_id, **command.model_dump()}
    return _signed(context, SCANS_PURPOSE, content)


async def download_scans(context: Context, token: str) -> Lines:
    """Public. Of `scans_link`. Raises Forbidden for a token that is not or no longer good."""
    now_us = context.services.clock.now_us()
    macs = context.services.identity.macs
    content = signing.read_in_time(macs, SCANS_PURPOSE, token, now_us)
    window = ExportScans(from_us=content["from_us"], to_us=content["to_us"])
    layout = exports_of(context).layouts[content["layout"]]
    database = context.services.database
    found = scans.told_batches(database, content["customer"], window.wanted())
    return Lines(csv_chunks(found, layout, Tally()))


async def export_scans(context: Context, command: ExportScans) -> ExportTaskRow:
    """In the background. Raises Conflict where too many are under way."""
    context.actor.require(Permission.PRODUCTION_SCAN_EXPORT)
    services = exports_of(context)
    async with context.transaction() as work:
        row = await operations.request(work, command, services)
    services.wake()
    return row


async def export_tasks(context: Context, window: PageRequest) -> Page[ExportTaskRow]:
    """Newest first."""
    context.actor.require(Permission.PRODUCTION_SCAN_EXPORT)
    async with context.read() as session:
        return await repository.page(session, context.customer_id, window)


async def count_export_tasks(context: Context) -> int:
    context.actor.require(Permission.PRODUCTION_SCAN_EXPORT)
    async with context.read() as session:
        return await repository.count(session, context.customer_id)


async def export_task(context: Context, task_id: str) -> ExportTaskRow | None:
    context.actor.require(Permission.PRODUCTION_SCAN_EXPORT)
    async with context.read() as session:
        return await repository.task_of(session, context.customer_id, task_id)


async def export_link(context: Context, task: ExportTaskRow) -> str | None:
    """The token of a fresh link to what the task has made; None while or where there is nothing."""
    context.actor.require(Permission.PRODUCTION_SCAN_EXPORT)
    if not task.has_file:
        return None
    content = {"customer": context.customer_id, "task": task.id}
    return _signed(context, TASK_PURPOSE, content)


async def download_export(context: Context, token: str) -> Download:
    """Public. Of `export_link`. Raises Forbidden for a token that is not or no longer good, and
    NotFound for a file that is gone."""
    now_us = context.services.clock.now_us()
    macs = context.services.identity.macs
    content = signing.read_in_time(macs, TASK_PURPOSE, token, now_us)
    async with context.read() as session:
        task = await repository.task_of(session, content["customer"], content["task"])
    if task is None or task.object_key is None:
        raise NotFound("Export", content["task"])
    files = exports_of(context).files
    return Download(files.read(task.object_key, 0, task.size_bytes), task.size_bytes)


def _signed(context: Context, purpose: str, content: dict[str, object]) -> str:
    services = context.services
    until_us = services.clock.now_us() + exports_of(context).settings.link_s * SECOND_US
    return signing.sign_until(services.identity.macs, purpose, content, until_us)

"""Batch accounting, and what an edge asks its factory for to do it."""

from domain.kernel.errors import NotFound
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from domain.kernel.text import is_storable
from domain.production.commands import BottleFilter, ClearBuffer, LoadBuffer, VerifyCode
from domain.production.operations import buffer as operations
from domain.production.operations.buffer import BufferLoaded, Verification
from domain.production.repository import aggregates, bottles
from domain.production.repository import buffer as rows
from domain.production.rows import BatchRow, BottleRow, BufferBatchRow, BufferFigures
from graph.context import Context
from graph.production.access import batch_accounting


async def buffer_figures(context: Context) -> BufferFigures:
    context.actor.require(Permission.PRODUCTION_BUFFER_READ)
    batch_accounting(context)
    async with context.read() as session:
        return await rows.figures(session, context.customer_id)


async def load_buffer(context: Context, command: LoadBuffer) -> BufferLoaded:
    """Nothing changes unless the whole batch could be read. One that is loaded already is asked
    for by its id, since another may bear the same number. Raises NotFound where nobody knows it,
    Unavailable, TimedOut or UpstreamFailed where a factory that may know it does not tell."""
    context.actor.require(Permission.PRODUCTION_BUFFER_WRITE)
    source, key = batch_accounting(context), command.batch_identifier
    async with context.read() as session:
        known = await rows.batches(session, context.customer_id, key)
    found = await source.find(context.customer_id, known[0].id if known else key)
    if found is None:
        raise NotFound("Batch", key)
    async with context.transaction() as work:
        return await operations.load(work, found)


async def clear_buffer(context: Context, command: ClearBuffer) -> list[BufferBatchRow]:
    """Those that went, as they were. Raises NotFound for a batch that is not loaded."""
    context.actor.require(Permission.PRODUCTION_BUFFER_WRITE)
    batch_accounting(context)
    async with context.transaction() as work:
        return await operations.clear(work, command)


async def verify_code(context: Context, command: VerifyCode) -> Verification:
    """VERIFIED means that it is consumed, on disk, and that nobody else is told so."""
    context.actor.require(Permission.PRODUCTION_BUFFER_WRITE)
    batch_accounting(context)
    async with context.transaction() as work:
        return await operations.verify(work, command, context.services.scans.codes.read)


async def batch_content(context: Context, key: str) -> BatchRow | None:
    """By id or printed identifier; the newest, should two edges have printed the same number."""
    context.actor.require(Permission.PRODUCTION_CONTENT_READ)
    if not is_storable(key):
        return None
    async with context.read() as session:
        if is_id(key):
            return (await aggregates.batches_by_ids(session, context.customer_id, [key])).get(key)
        return await aggregates.batch_by_identifier(session, context.customer_id, key)


async def content_page(context: Context, batch_id: str, window: PageRequest) -> Page[BottleRow]:
    context.actor.require(Permission.PRODUCTION_CONTENT_READ)
    async with context.read() as session:
        wanted = BottleFilter(batch_id=batch_id)
        return await bottles.page(session, context.customer_id, wanted, window)

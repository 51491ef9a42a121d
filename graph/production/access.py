"""What the use cases of production share."""

from domain.kernel.errors import Unavailable
from domain.line.models import BATCH_ACCOUNTING
from domain.production.ports import BatchSource
from domain.production.repository import bottles
from domain.production.rows import BottleRow
from graph.context import Context


async def bottle_by_code(context: Context, code: str) -> BottleRow | None:
    reading = context.services.scans.codes.read(code)
    if reading.gtin is None or reading.serial is None:
        return None
    identity = (reading.gtin, reading.serial)
    async with context.read() as session:
        return (await bottles.by_identities(session, context.customer_id, [identity])).get(identity)


def batch_accounting(context: Context) -> BatchSource:
    """Where batches come from. Every use of batch accounting asks here first: Unavailable where
    there is none."""
    context.services.line.require(BATCH_ACCOUNTING)
    if context.services.batches is None:
        raise Unavailable("This is no edge")
    return context.services.batches

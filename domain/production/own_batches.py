"""Batches of this very database, to be checked against."""

from domain.kernel.database import Database, ReadSession
from domain.kernel.ids import is_id
from domain.production.ports import SourcedBatch
from domain.production.repository import aggregates, bottles
from domain.production.rows import BatchRow


class OwnBatches:
    """A `BatchSource`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, customer_id: int, key: str) -> SourcedBatch | None:
        async with self._database.read() as session:
            batch = await _batch(session, customer_id, key)
            if batch is None:
                return None
            inside = await bottles.content(session, customer_id, batch.id)
        return SourcedBatch(batch.id, batch.identifier, batch.name, batch.line_id, inside)


async def _batch(session: ReadSession, customer_id: int, key: str) -> BatchRow | None:
    if is_id(key):
        return (await aggregates.batches_by_ids(session, customer_id, [key])).get(key)
    return await aggregates.batch_by_identifier(session, customer_id, key)

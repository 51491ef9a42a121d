"""The types of batch accounting."""

from enum import StrEnum

import strawberry

from domain.kernel.paging import page_request
from domain.production.codes import CodeReason
from domain.production.models import BufferVerdict
from domain.production.operations.buffer import BufferLoaded as Loaded
from domain.production.operations.buffer import Verification as Verified
from domain.production.rows import (
    BatchRow,
    BufferBatchRow,
    BufferFigures,
    BufferItemRow,
)
from graph.info import Info
from graph.pagination import Connection, connection, global_id
from graph.production import resolvers
from graph.production.types import Batch, Bottle, batch_type, bottle_type
from graph.scalars import Timestamp, moment

strawberry.enum(BufferVerdict, name="BufferVerdict")


@strawberry.type(description="A batch that codes are checked against; it may be the factory's")
class BufferBatch:
    id: strawberry.ID
    identifier: str
    name: str
    line_id: str | None
    loaded: int = strawberry.field(description="The consumed ones too")
    consumed: int
    remaining: int
    loaded_at: Timestamp = strawberry.field(description="First")


@strawberry.type(description="What codes are checked against")
class Buffer:
    loaded: int
    consumed: int
    remaining: int
    batches: list[BufferBatch] = strawberry.field(description="The newest first, at most 500")


@strawberry.type(description="A code that was consumed, by whom and when")
class BufferItem:
    bottle_id: strawberry.ID
    gtin: str
    serial: str
    consumed_at: Timestamp | None
    consumed_by: str | None


@strawberry.type(description="`added` came by this; `batch` counts what is there now")
class BufferLoaded:
    added: int
    batch: BufferBatch


@strawberry.type(description="The batches that went, as they were")
class BufferCleared:
    cleared: int = strawberry.field(description="Codes, consumed or not")
    batches: list[BufferBatch]


@strawberry.type(description="The verdict on a code; VERIFIED has consumed it")
class Verification:
    verified: bool
    verdict: BufferVerdict
    gtin: str | None
    serial: str | None
    reason: CodeReason | None
    message: str | None
    item: BufferItem | None = strawberry.field(description="Where it is, or was before, consumed")
    batch: BufferBatch | None


@strawberry.enum
class BufferAction(StrEnum):
    LOADED = "loaded"
    CONSUMED = "consumed"
    CLEARED = "cleared"


@strawberry.type
class BufferStreamItem:
    cursor: str
    action: BufferAction
    at: Timestamp
    batch: BufferBatch = strawberry.field(description="As it became; as it was, where cleared")
    added: int | None = strawberry.field(description="Where loaded")
    item: BufferItem | None = strawberry.field(description="Where consumed")


@strawberry.type(description="A batch by its number, with all that is in it")
class BatchContent:
    batch: Batch
    row: strawberry.Private[BatchRow]

    @strawberry.field(description="Newest first")
    async def bottles(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Bottle]:
        window = page_request(first, after, last, before)
        page = await resolvers.content_page(info.context, self.row.id, window)
        return connection(page, bottle_type, self._count)

    async def _count(self) -> int:
        return self.row.bottle_count


def content_type(row: BatchRow) -> BatchContent:
    return BatchContent(batch=batch_type(row), row=row)


def buffer_type(figures: BufferFigures) -> Buffer:
    return Buffer(
        loaded=figures.loaded,
        consumed=figures.consumed,
        remaining=figures.remaining,
        batches=[buffer_batch_type(row) for row in figures.batches],
    )


def buffer_batch_type(row: BufferBatchRow) -> BufferBatch:
    return BufferBatch(
        id=global_id("Batch", row.id),
        identifier=row.identifier,
        name=row.name,
        line_id=row.line_id,
        loaded=row.loaded,
        consumed=row.consumed,
        remaining=row.remaining,
        loaded_at=Timestamp(row.loaded_at_us),
    )


def buffer_item_type(row: BufferItemRow) -> BufferItem:
    return BufferItem(
        bottle_id=global_id("Bottle", row.bottle_id),
        gtin=row.gtin,
        serial=row.serial,
        consumed_at=moment(row.consumed_at_us),
        consumed_by=row.consumed_by,
    )


def loaded_type(done: Loaded) -> BufferLoaded:
    return BufferLoaded(added=done.added, batch=buffer_batch_type(done.batch))


def cleared_type(gone: list[BufferBatchRow]) -> BufferCleared:
    return BufferCleared(
        cleared=sum(row.loaded for row in gone), batches=[buffer_batch_type(row) for row in gone]
    )


def verification_type(done: Verified) -> Verification:
    return Verification(
        verified=done.verified,
        verdict=done.verdict,
        gtin=done.reading.gtin,
        serial=done.reading.serial,
        reason=done.reason,
        message=done.message,
        item=None if done.item is None else buffer_item_type(done.item),
        batch=None if done.batch is None else buffer_batch_type(done.batch),
    )

"""Fields of batch accounting."""

import strawberry

from domain.production.commands import ClearBuffer, LoadBuffer, VerifyCode
from graph.info import Info
from graph.pagination import found, plain_id
from graph.production import resolvers
from graph.production.buffer_types import (
    BatchContent,
    Buffer,
    BufferCleared,
    BufferLoaded,
    Verification,
    buffer_type,
    cleared_type,
    content_type,
    loaded_type,
    verification_type,
)


@strawberry.type
class BufferQuery:
    @strawberry.field(description="What codes are checked against: loaded, consumed, remaining")
    async def buffer(self, info: Info) -> Buffer:
        return buffer_type(await resolvers.buffer_figures(info.context))

    @strawberry.field(
        description="A batch by its printed identifier or its id, with its bottles: "
        "all of production that a device's token opens"
    )
    async def batch_content(self, info: Info, identifier: str) -> BatchContent | None:
        key = plain_id(identifier, "Batch")
        return found(await resolvers.batch_content(info.context, key), content_type)


@strawberry.type
class BufferMutation:
    @strawberry.mutation(
        description="A batch's bottles, of this edge or of its factory, by its printed identifier "
        "or its id. Again is fine: adds what is new, and what was consumed stays so."
    )
    async def load_buffer(self, info: Info, batch_identifier: str) -> BufferLoaded:
        command = LoadBuffer.of(batch_identifier=plain_id(batch_identifier, "Batch"))
        return loaded_type(await resolvers.load_buffer(info.context, command))

    @strawberry.mutation(description="One batch, or all of them")
    async def clear_buffer(self, info: Info, batch_identifier: str | None = None) -> BufferCleared:
        key = None if batch_identifier is None else plain_id(batch_identifier, "Batch")
        command = ClearBuffer.of(batch_identifier=key)
        return cleared_type(await resolvers.clear_buffer(info.context, command))

    @strawberry.mutation(
        description="Checks a code, in any form that a scanner sends, against the buffer and "
        "consumes it: exactly once, whoever asks at the same time"
    )
    async def verify_code(
        self, info: Info, code: str, consumed_by: str | None = None
    ) -> Verification:
        command = VerifyCode.of(code=code, consumed_by=consumed_by)
        return verification_type(await resolvers.verify_code(info.context, command))

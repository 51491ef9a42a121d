"""Bodies of batch accounting, as the OKTO edge API has them."""

from typing import Annotated

from pydantic import Field

from compat_rest.kernel.fields import Body
from compat_rest.kernel.okto.schemas import Answer, Time
from compat_rest.okto_edge.schemas import CodeBody, Label
from domain.production.codes import CodeReason
from domain.production.models import BufferVerdict

BatchKey = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^\x00]+$")]
"""What is printed on a batch, or its id."""


class LoadBufferBody(Body):
    batch_identifier: BatchKey


class VerifyBody(CodeBody):
    """Without `consumedBy` it is the caller."""

    consumed_by: Label | None = None


class BufferBatch(Answer):
    """`loaded` counts the consumed ones too."""

    id: str
    batch_identifier: str
    name: str
    loaded: int
    consumed: int
    remaining: int
    loaded_at: Time


class BufferLoaded(BufferBatch):
    """`added` came by this call."""

    added: int


class BufferState(Answer):
    """The batches are the newest 500, the figures of all of them."""

    loaded: int
    consumed: int
    remaining: int
    batches: list[BufferBatch]


class BufferCleared(Answer):
    """`cleared` counts codes, consumed or not; `batches` are identifiers."""

    cleared: int
    batches: list[str]


class Verified(Answer):
    """`consumedAt` and `consumedBy` tell of whoever was first."""

    verified: bool
    result: BufferVerdict
    gtin: str | None
    serial: str | None
    bottle_id: str | None
    batch_identifier: str | None
    consumed_at: Time | None
    consumed_by: str | None
    reason: CodeReason | None
    message: str | None

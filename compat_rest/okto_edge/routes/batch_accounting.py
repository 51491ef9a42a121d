"""/api/v1/batch-accounting"""

from typing import Annotated

from fastapi import APIRouter, Query

from compat_rest.kernel.auth import Caller
from compat_rest.kernel.links import link, linked
from compat_rest.kernel.okto.schemas import Data
from compat_rest.kernel.replies import Reply
from compat_rest.okto_edge import buffer_presenter as presenter
from compat_rest.okto_edge import buffer_schemas as schemas
from domain.production.commands import ClearBuffer, LoadBuffer, VerifyCode
from graph.production import resolvers

Batch = Annotated[
    schemas.BatchKey | None, Query(alias="batch", description="One batch; without it all")
]
router = APIRouter(prefix="/api/v1/batch-accounting", tags=["batch accounting"])


@router.post(
    "/buffer/load",
    response_model=Data[schemas.BufferLoaded],
    responses=linked(
        cleared=link("clear_buffer", batch="$response.body#/data/batchIdentifier"),
    ),
)
async def load_buffer(caller: Caller, body: schemas.LoadBufferBody) -> Reply:
    command = LoadBuffer.of(batch_identifier=body.batch_identifier)
    return Reply(presenter.loaded(await resolvers.load_buffer(caller, command)))


@router.get("/buffer", response_model=Data[schemas.BufferState])
async def get_buffer(caller: Caller) -> Reply:
    return Reply(presenter.state(await resolvers.buffer_figures(caller)))


@router.delete("/buffer", response_model=Data[schemas.BufferCleared])
async def clear_buffer(caller: Caller, batch: Batch = None) -> Reply:
    command = ClearBuffer.of(batch_identifier=batch)
    return Reply(presenter.cleared(await resolvers.clear_buffer(caller, command)))


@router.post("/verify", response_model=Data[schemas.Verified])
async def verify_code(caller: Caller, body: schemas.VerifyBody) -> Reply:
    command = VerifyCode.of(code=body.code, consumed_by=body.consumed_by)
    return Reply(presenter.verified(await resolvers.verify_code(caller, command)))

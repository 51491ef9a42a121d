"""/api/v1/batches"""

from fastapi import APIRouter

from compat_rest.kernel.auth import Caller
from compat_rest.kernel.links import link, linked
from compat_rest.kernel.okto import presenter as envelope
from compat_rest.kernel.okto import schemas as okto
from compat_rest.kernel.replies import Reply
from compat_rest.okto_edge import presenter, schemas
from compat_rest.okto_edge.routes.parameters import Device, Limit, Sent
from domain.kernel.errors import NotFound
from domain.kernel.paging import PageRequest
from domain.production.commands import MAX_BULK, BatchFilter, CreateBatch, MoveBottles
from graph.production import resolvers

BATCH_ID = "$response.body#/data/batch/id"
router = APIRouter(prefix="/api/v1/batches", tags=["batches"])


@router.get("", response_model=okto.Data[schemas.BatchList])
async def list_batches(
    caller: Caller, sent_status: Sent = None, device: Device = None, limit: Limit = 100
) -> Reply:
    wanted = BatchFilter(sent_status=sent_status, device_id=device)
    page = await resolvers.list_batches(caller, wanted, PageRequest(limit))
    return Reply(presenter.batch_list(page, await resolvers.count_batches(caller, wanted)))


@router.post(
    "",
    response_model=okto.Data[schemas.BatchCreated],
    responses=linked(
        batch=link("get_batch", id=BATCH_ID),
        packed=link("add_bottles_to_batch", id=BATCH_ID),
        loaded=link("load_buffer", body={"batchIdentifier": BATCH_ID}),
    ),
)
async def create_batch(caller: Caller, body: schemas.CreateBatchBody) -> Reply:
    batch = body.batch
    command = CreateBatch.of(
        name=batch.name,
        device_id=batch.device_id,
        batch_size=batch.batch_size,
        line_id=batch.production_line_id,
        product_id=batch.product_id,
        party=batch.party,
        bottle_ids=tuple(body.bottles),
    )
    return Reply(presenter.batch_created(await resolvers.create_batch(caller, command)))


@router.get(
    "/{id}",
    response_model=okto.Data[schemas.BatchWithBottles],
    responses=linked(packed=link("add_bottles_to_batch", id=BATCH_ID)),
)
async def get_batch(caller: Caller, id: str) -> Reply:
    row = await resolvers.batch(caller, id)
    if row is None:
        raise NotFound("Batch", id)
    bottles = await resolvers.bottles_of_batch(caller, row.id, MAX_BULK)
    return Reply(presenter.batch_detail(row, bottles))


@router.post(
    "/{id}/bottles",
    response_model=okto.Data[schemas.Added],
    responses=linked(batch=link("get_batch", id="$request.path.id")),
)
async def add_bottles_to_batch(caller: Caller, id: str, body: schemas.BatchBottlesBody) -> Reply:
    command = MoveBottles.of(batch_id=id, bottle_ids=tuple(body.root))
    added = await resolvers.add_bottles_to_batch(caller, command)
    return Reply(envelope.data({"added": added}))

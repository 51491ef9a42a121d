"""/api/v1/bottles"""

from fastapi import APIRouter

from compat_rest.kernel.auth import Caller
from compat_rest.kernel.links import link, linked
from compat_rest.kernel.okto import presenter as envelope
from compat_rest.kernel.okto import schemas as okto
from compat_rest.kernel.replies import Reply
from compat_rest.okto_edge import presenter, schemas
from compat_rest.okto_edge.routes.parameters import Limit, Line, Status
from domain.kernel.errors import NotFound
from domain.kernel.paging import PageRequest
from domain.production.commands import BottleFilter, CreateBottles, NewBottle, SetBottleStatus
from domain.production.models import BottleStatus
from graph.production import resolvers

FIRST_ID = "$response.body#/data/bottles/0/id"
router = APIRouter(prefix="/api/v1/bottles", tags=["bottles"])


@router.get("", response_model=okto.Data[list[schemas.BottleItem]])
async def list_bottles(
    caller: Caller, status: Status = None, line: Line = None, limit: Limit = 100
) -> Reply:
    wanted = BottleFilter(status=status, line_id=line)
    page = await resolvers.list_bottles(caller, wanted, PageRequest(limit))
    return Reply(presenter.bottle_list(page))


@router.post(
    "",
    response_model=okto.Data[schemas.BottlesCreated],
    responses=linked(
        bottle=link("get_bottle", id=FIRST_ID),
        status=link("set_bottle_status", id=FIRST_ID),
        batch=link("create_batch", body={"batch": {}, "bottles": [FIRST_ID]}),
        packed=link("add_bottles_to_batch", body=[FIRST_ID]),
    ),
)
async def create_bottles(caller: Caller, body: schemas.CreateBottlesBody) -> Reply:
    bottles = tuple(
        NewBottle.of(
            identifier=bottle.identifier,
            gtin=bottle.gtin,
            line_id=bottle.production_line_id,
            product_id=bottle.product_id,
            party=bottle.party,
            is_preprint=bottle.is_preprint,
        )
        for bottle in body.bottles
    )
    command = CreateBottles.of(bottles=bottles, device_id=body.device_id)
    return Reply(presenter.bottles_created(await resolvers.create_bottles(caller, command)))


@router.get("/count", response_model=okto.Data[schemas.BottleCount])
async def count_bottles(caller: Caller, status: Status = None) -> Reply:
    counts = await resolvers.count_bottles_by_status(caller, BottleFilter(status=status))
    return Reply(presenter.bottle_count(counts))


@router.get(
    "/{id}",
    response_model=okto.Data[schemas.BottleDetail],
    responses=linked(status=link("set_bottle_status", id="$response.body#/data/id")),
)
async def get_bottle(caller: Caller, id: str) -> Reply:
    row = await resolvers.bottle(caller, id)
    if row is None:
        raise NotFound("Bottle", id)
    return Reply(presenter.bottle_detail(row))


@router.patch(
    "/{id}/status",
    response_model=okto.Success,
    responses=linked(bottle=link("get_bottle", id="$request.path.id")),
)
async def set_bottle_status(caller: Caller, id: str, body: schemas.BottleStatusBody) -> Reply:
    command = SetBottleStatus.of(bottle_id=id, status=BottleStatus(body.status))
    await resolvers.set_bottle_status(caller, command)
    return Reply(envelope.SUCCESS)

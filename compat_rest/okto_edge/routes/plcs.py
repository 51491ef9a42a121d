"""/api/v1/plcs and /api/v1/plc/bindings"""

from fastapi import APIRouter

from compat_rest.kernel.auth import Anyone, Caller
from compat_rest.kernel.okto.schemas import Data
from compat_rest.kernel.replies import Reply
from compat_rest.okto_edge import hardware_presenter as presenter
from compat_rest.okto_edge import hardware_schemas as schemas
from compat_rest.okto_edge.routes.parameters import DeviceId
from domain.line.models import HardwareKind
from graph.line import resolvers

router = APIRouter(prefix="/api/v1", tags=["hardware"])


@router.get("/plcs", response_model=Data[schemas.PlcItems])
async def get_plcs(caller: Caller) -> Reply:
    return Reply(presenter.configured(await resolvers.configured(caller, HardwareKind.PLCS)))


@router.put("/plcs", response_model=Data[schemas.PlcItems])
async def put_plcs(caller: Caller, body: schemas.PlcItems) -> Reply:
    await resolvers.configure(caller, {HardwareKind.PLCS: body})
    return Reply(presenter.configured(await resolvers.configured(caller, HardwareKind.PLCS)))


@router.get("/plcs/{id}/health", response_model=Data[schemas.PlcHealth])
async def plc_health(caller: Caller, id: DeviceId) -> Reply:
    return Reply(presenter.plc(await resolvers.plc(caller, id)))


@router.post("/plcs/{id}/test", response_model=Data[schemas.DeviceState])
async def test_plc(caller: Caller, id: DeviceId) -> Reply:
    return Reply(presenter.tested(await resolvers.test_plc(caller, id)))


@router.get("/plcs/{id}/tags", response_model=Data[list[schemas.PlcTag]])
async def plc_tags(caller: Caller, id: DeviceId) -> Reply:
    return Reply(presenter.tags(await resolvers.plc_tags(caller, id)))


@router.get("/plc/bindings", response_model=Data[schemas.BindingItems])
async def get_bindings(caller: Caller) -> Reply:
    found = await resolvers.configured(caller, HardwareKind.PLC_BINDINGS)
    return Reply(presenter.configured(found))


@router.put("/plc/bindings", response_model=Data[schemas.BindingItems])
async def put_bindings(caller: Caller, body: schemas.BindingItems) -> Reply:
    await resolvers.configure(caller, {HardwareKind.PLC_BINDINGS: body})
    found = await resolvers.configured(caller, HardwareKind.PLC_BINDINGS)
    return Reply(presenter.configured(found))


@router.get("/catalog/plc-protocols", response_model=Data[schemas.PlcCatalogue])
async def plc_catalogue(context: Anyone) -> Reply:
    return Reply(presenter.plc_catalogue(await resolvers.plc_catalogue(context)))

"""/api/v1/scanners: what they are configured as, and how each is doing"""

from fastapi import APIRouter

from compat_rest.kernel.auth import Caller
from compat_rest.kernel.okto.schemas import Data
from compat_rest.kernel.replies import Reply
from compat_rest.okto_edge import hardware_presenter as presenter
from compat_rest.okto_edge import hardware_schemas as schemas
from compat_rest.okto_edge.routes.parameters import DeviceIndex
from domain.line.models import HardwareKind
from graph.line import resolvers

router = APIRouter(prefix="/api/v1/scanners", tags=["hardware"])
KIND = HardwareKind.SCANNERS


@router.get("", response_model=Data[schemas.ScannerItems])
async def get_scanners(caller: Caller) -> Reply:
    return Reply(presenter.configured(await resolvers.configured(caller, KIND)))


@router.put("", response_model=Data[schemas.ScannerItems])
async def put_scanners(caller: Caller, body: schemas.ScannerItems) -> Reply:
    await resolvers.configure(caller, {KIND: body})
    return Reply(presenter.configured(await resolvers.configured(caller, KIND)))


@router.get("/{index}/status", response_model=Data[schemas.ScannerState])
async def one_scanner_status(caller: Caller, index: DeviceIndex) -> Reply:
    return Reply(presenter.scanner(await resolvers.scanner(caller, index)))


@router.post("/{index}/test", response_model=Data[schemas.DeviceState])
async def test_scanner(caller: Caller, index: DeviceIndex) -> Reply:
    status = await resolvers.test_scanner(caller, index)
    return Reply(presenter.tested(status))

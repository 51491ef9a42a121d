"""/api/v1/cloud"""

from fastapi import APIRouter

from compat_rest.kernel.auth import Caller
from compat_rest.kernel.okto.schemas import Data
from compat_rest.kernel.replies import Reply
from compat_rest.okto_edge import sync_presenter as presenter
from compat_rest.okto_edge import sync_schemas as schemas
from graph.sync import resolvers

router = APIRouter(prefix="/api/v1/cloud", tags=["cloud"])


@router.get("/lines", response_model=Data[list[schemas.CloudLine]])
async def cloud_lines(caller: Caller) -> Reply:
    return Reply(presenter.cloud_lines(await resolvers.cloud_lines(caller)))


@router.get("/codes", response_model=Data[schemas.CloudCodes])
async def cloud_codes(caller: Caller) -> Reply:
    return Reply(presenter.cloud_codes(await resolvers.cloud_codes(caller)))


@router.get("/company", response_model=Data[schemas.CloudCompany])
async def cloud_company(caller: Caller) -> Reply:
    return Reply(presenter.cloud_company(await resolvers.cloud_company(caller)))


@router.post("/sync", response_model=Data[schemas.Synced])
async def sync_now(caller: Caller) -> Reply:
    return Reply(presenter.synced(await resolvers.sync_now(caller)))

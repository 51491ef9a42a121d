"""/api/v1/connection and /api/v1/sync"""

from fastapi import APIRouter

from compat_rest.kernel.auth import Caller
from compat_rest.kernel.okto.schemas import Data
from compat_rest.kernel.replies import Reply
from compat_rest.okto_edge import sync_presenter as presenter
from compat_rest.okto_edge import sync_schemas as schemas
from graph.sync import resolvers

router = APIRouter(prefix="/api/v1", tags=["connection"])


@router.get("/connection/mode", response_model=Data[schemas.Mode])
async def connection_mode(caller: Caller) -> Reply:
    return Reply(presenter.mode(await resolvers.connection_mode(caller)))


@router.put("/connection/mode", response_model=Data[schemas.ModeChanged])
async def set_connection_mode(caller: Caller, body: schemas.ConnectionModeBody) -> Reply:
    return Reply(presenter.mode_changed(await resolvers.set_connection_mode(caller, body.mode)))


@router.get("/connection/status", response_model=Data[schemas.ConnectionStatus])
async def connection_status(caller: Caller) -> Reply:
    return Reply(presenter.connection_status(await resolvers.connection_status(caller)))


@router.get("/sync/status", response_model=Data[schemas.SyncStatus])
async def sync_status(caller: Caller) -> Reply:
    return Reply(presenter.sync_status(await resolvers.sync_status(caller)))

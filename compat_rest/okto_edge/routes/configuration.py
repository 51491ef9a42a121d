"""/api/v1/config, /api/v1/self-service and what a scanner may be configured as"""

from fastapi import APIRouter

from compat_rest.kernel.auth import Anyone, Caller
from compat_rest.kernel.okto.schemas import Data
from compat_rest.kernel.replies import Reply
from compat_rest.okto_edge import line_presenter as presenter
from compat_rest.okto_edge import line_schemas as schemas
from domain.line.commands import ChangeOverrides
from graph.line import resolvers

router = APIRouter(prefix="/api/v1", tags=["configuration"])


@router.get("/config", response_model=Data[dict[str, str]])
async def get_config(caller: Caller) -> Reply:
    return Reply(presenter.overrides(await resolvers.overrides(caller)))


@router.put("/config", response_model=Data[dict[str, str]])
async def put_config(caller: Caller, body: schemas.ConfigBody) -> Reply:
    command = ChangeOverrides.of(set=body.set, unset=tuple(body.unset), actor=body.actor)
    return Reply(presenter.overrides(await resolvers.change_overrides(caller, command)))


@router.delete("/config", response_model=Data[schemas.Removed])
async def delete_config(caller: Caller) -> Reply:
    return Reply(presenter.removed(await resolvers.clear_overrides(caller)))


@router.post("/config/reload", response_model=Data[schemas.Reloaded])
async def reload_config(caller: Caller) -> Reply:
    return Reply(presenter.reloaded(await resolvers.reload_configuration(caller)))


@router.get("/self-service/status", response_model=Data[schemas.SelfService])
async def self_service_status(caller: Caller) -> Reply:
    return Reply(presenter.self_service(await resolvers.edge_status(caller)))


@router.get("/catalog/scanners", response_model=Data[schemas.ScannerCatalogue])
async def scanner_catalogue(context: Anyone) -> Reply:
    return Reply(presenter.scanner_catalogue(await resolvers.scanner_catalogue(context)))

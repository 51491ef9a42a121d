"""/api/v1/devices/{id}/config and /api/v1/connection/settings"""

from fastapi import APIRouter

from compat_rest.kernel.links import link, linked
from compat_rest.kernel.okto.schemas import Data
from compat_rest.kernel.replies import Reply
from compat_rest.okto_factory import presenter, schemas
from compat_rest.okto_factory.auth import User, require
from domain.fleet.commands import SetConfiguration, SetConnectionSettings
from domain.fleet.rows import ConfigurationRow
from domain.kernel.errors import NotFound
from domain.kernel.permissions import Permission
from graph.context import Context
from graph.fleet import resolvers

router = APIRouter(prefix="/api/v1", tags=["configuration"])


@router.get("/devices/{id}/config", response_model=Data[schemas.DeviceConfig])
async def get_configuration(caller: User, id: str) -> Reply:
    desired = await resolvers.desired_configuration(caller, id)
    if desired is None:
        raise NotFound("Configuration", id)
    return await _shown(caller, desired)


@router.put(
    "/devices/{id}/config",
    response_model=Data[schemas.DeviceConfig],
    responses=linked(config=link("get_configuration", id="$request.path.id")),
)
async def set_configuration(caller: User, id: str, body: schemas.ConfigBody) -> Reply:
    require(caller, Permission.FLEET_CONFIGURATION_READ, Permission.FLEET_DEVICE_READ)
    command = SetConfiguration.of(
        device=id,
        document=body.config,
        merge=body.merge,
        push=body.push,
        note=_note(body),
        expected_version=body.version,
    )
    return await _shown(caller, await resolvers.set_configuration(caller, command))


@router.get("/connection/settings", response_model=Data[schemas.ConnectionSettings])
async def connection_settings(caller: User) -> Reply:
    return Reply(presenter.settings(await resolvers.connection_settings(caller)))


@router.put("/connection/settings", response_model=Data[schemas.ConnectionSettings])
async def set_connection_settings(caller: User, body: schemas.ConnectionSettingsBody) -> Reply:
    command = SetConnectionSettings.of(**body.model_dump(exclude_unset=True))
    return Reply(presenter.settings(await resolvers.set_connection_settings(caller, command)))


async def _shown(caller: Context, desired: ConfigurationRow) -> Reply:
    reported = await resolvers.reported_configuration(caller, desired.device_id)
    devices = await resolvers.devices_by_ids(caller, [desired.device_id])
    key = presenter.identifier(desired.device_id, devices)
    return Reply(presenter.configuration(key, desired, reported))


def _note(body: schemas.ConfigBody) -> str | None:
    """The caller's word for who wants it, and why."""
    parts = [body.note, None if body.actor is None else f"for {body.actor}"]
    return " ".join(part for part in parts if part is not None) or None

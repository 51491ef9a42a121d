"""/api/v1/devices"""

from typing import Annotated

from fastapi import APIRouter, Query

from compat_rest.kernel.links import link, linked
from compat_rest.kernel.okto import presenter as envelope
from compat_rest.kernel.okto.schemas import Data, Success
from compat_rest.kernel.replies import Reply
from compat_rest.okto_factory import presenter, schemas
from compat_rest.okto_factory.auth import DeviceOrUser, User, require
from compat_rest.okto_factory.routes.parameters import Limit
from domain.fleet.commands import DeviceFilter, Heartbeat, RegisterDevice, UpdateDevice
from domain.fleet.rows import DeviceRow
from domain.kernel.errors import NotFound
from domain.kernel.permissions import Permission
from graph.context import Context
from graph.fleet import resolvers

DEVICE_ID = "$response.body#/data/id"
SAME_ID = "$request.path.id"
router = APIRouter(prefix="/api/v1/devices", tags=["devices"])


@router.get("", response_model=Data[list[schemas.DeviceItem]])
async def list_devices(caller: User, limit: Limit = 10_000) -> Reply:
    rows = await resolvers.devices_by_number(caller, DeviceFilter(), limit=limit)
    return Reply(presenter.device_list(rows, await resolvers.connection_settings(caller)))


@router.post(
    "",
    response_model=Data[schemas.DeviceDetail],
    responses=linked(
        device=link("get_device", id=DEVICE_ID),
        update=link("update_device", id=DEVICE_ID),
        heartbeat=link("heartbeat", id=DEVICE_ID),
        token=link("issue_device_token", id=DEVICE_ID),
        command=link("dispatch_command", id=DEVICE_ID),
        commands=link("list_commands", id=DEVICE_ID),
        logs=link("device_logs", id=DEVICE_ID),
        config=link("set_configuration", id=DEVICE_ID),
        removal=link("remove_device", id=DEVICE_ID),
    ),
)
async def register_device(caller: User, body: schemas.RegisterDeviceBody) -> Reply:
    require(caller, Permission.FLEET_CONNECTION_READ)
    given = body.model_dump(exclude_none=True)
    command = RegisterDevice.of(**_with_line(given))
    return await _shown(caller, await resolvers.register_device(caller, command))


@router.get("/connected", response_model=Data[list[schemas.ConnectedDevice]])
async def connected_devices(caller: User) -> Reply:
    sessions = await resolvers.connected_devices(caller)
    devices = await resolvers.devices_by_ids(caller, [one.device_id for one in sessions])
    return Reply(presenter.connected(sessions, devices))


@router.get("/{id}", response_model=Data[schemas.DeviceDetail])
async def get_device(caller: User, id: str) -> Reply:
    row = await resolvers.device(caller, id)
    if row is None:
        raise NotFound("Device", id)
    return await _shown(caller, row)


@router.put(
    "/{id}",
    response_model=Data[schemas.DeviceDetail],
    responses=linked(device=link("get_device", id=SAME_ID)),
)
async def update_device(caller: User, id: str, body: schemas.UpdateDeviceBody) -> Reply:
    require(caller, Permission.FLEET_CONNECTION_READ)
    given = body.model_dump(exclude_unset=True)
    command = UpdateDevice.of(device=id, **_with_line(given))
    return await _shown(caller, await resolvers.update_device(caller, command))


@router.delete("/{id}", response_model=Success)
async def remove_device(caller: User, id: str) -> Reply:
    await resolvers.remove_device(caller, id)
    return Reply(envelope.SUCCESS)


@router.post("/{id}/heartbeat", response_model=Success)
async def heartbeat(caller: DeviceOrUser, id: str, body: schemas.HeartbeatBody) -> Reply:
    given = body.model_dump(exclude_none=True, exclude={"timestamp"})
    await resolvers.heartbeat(caller, Heartbeat.of(device=id, **given))
    return Reply(envelope.SUCCESS)


@router.post("/{id}/token", response_model=Data[schemas.DeviceToken])
async def issue_device_token(
    caller: User,
    id: str,
    end_others: Annotated[
        bool, Query(alias="endOthers", description="Every token that it had is dead at once")
    ] = False,
) -> Reply:
    require(caller, Permission.FLEET_DEVICE_READ)
    issued = await resolvers.issue_device_token(caller, id, end_others=end_others)
    row = await resolvers.device(caller, id)
    return Reply(presenter.token(id if row is None else row.identifier, issued))


async def _shown(caller: Context, row: DeviceRow) -> Reply:
    return Reply(presenter.device(row, await resolvers.connection_settings(caller)))


def _with_line(given: dict[str, object]) -> dict[str, object]:
    """`productionLineId` is the line's id to everybody else."""
    if "production_line_id" in given:
        given["line_id"] = given.pop("production_line_id")
    return given

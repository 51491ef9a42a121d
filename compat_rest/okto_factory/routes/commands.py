"""/api/v1/devices/{id}/commands and what devices log"""

from typing import Annotated

from fastapi import APIRouter, Query

from compat_rest.kernel.links import link, linked
from compat_rest.kernel.okto import presenter as envelope
from compat_rest.kernel.okto.schemas import Data
from compat_rest.kernel.replies import Reply
from compat_rest.okto_factory import command_schemas, presenter, schemas
from compat_rest.okto_factory.auth import User, require
from compat_rest.okto_factory.routes.parameters import Cursor, Limit, Since, Text
from domain.fleet.commands import CommandFilter, DispatchCommand, LogFilter
from domain.fleet.models import CommandState, CommandType, LogLevel
from domain.kernel.errors import NotFound
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import Permission
from graph.fleet import resolvers

router = APIRouter(prefix="/api/v1/devices/{id}", tags=["commands"])


@router.post(
    "/commands",
    response_model=Data[command_schemas.CommandRecord],
    responses=linked(
        command=link("get_command", id="$request.path.id", cmdId="$response.body#/data/uuid")
    ),
)
async def dispatch_command(caller: User, id: str, body: command_schemas.DispatchBody) -> Reply:
    require(caller, Permission.FLEET_DEVICE_READ)
    order = body.command
    command = DispatchCommand.of(
        device=id,
        type=order.type,
        arguments=order.arguments,
        key=order.id,
        timeout_ms=body.timeout_ms,
    )
    row = await resolvers.dispatch_command(caller, command)
    devices = await resolvers.devices_by_ids(caller, [row.device_id])
    return Reply(envelope.data(presenter.command(row, devices)))


@router.get(
    "/commands",
    response_model=Data[command_schemas.CommandPage],
    responses=linked(
        next=link("list_commands", id="$request.path.id", cursor="$response.body#/data/cursor")
    ),
)
async def list_commands(
    caller: User,
    id: str,
    status: Annotated[CommandState | None, Query()] = None,
    type: Annotated[CommandType | None, Query()] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Reply:
    device = await resolvers.device(caller, id)
    if device is None:
        raise NotFound("Device", id)
    wanted = CommandFilter(device_id=device.id, state=status, type=type)
    page = await resolvers.list_commands(caller, wanted, PageRequest(limit, after=cursor))
    return Reply(presenter.command_page(page, {device.id: device}))


@router.get("/commands/{cmdId}", response_model=Data[command_schemas.CommandRecord])
async def get_command(caller: User, id: str, cmdId: str) -> Reply:  # noqa: N803 - as documented
    row = await resolvers.command_of_device(caller, id, cmdId)
    if row is None:
        raise NotFound("Command", cmdId)
    devices = await resolvers.devices_by_ids(caller, [row.device_id])
    return Reply(envelope.data(presenter.command(row, devices)))


@router.get(
    "/logs",
    response_model=Data[schemas.LogPage],
    responses=linked(
        next=link("device_logs", id="$request.path.id", cursor="$response.body#/data/cursor")
    ),
)
async def device_logs(
    caller: User,
    id: str,
    level: Annotated[LogLevel | None, Query()] = None,
    source: Text = None,
    since: Since = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Reply:
    wanted = LogFilter(level=level, source=source, logged_from_us=since)
    page = await resolvers.list_logs(caller, id, wanted, PageRequest(limit, after=cursor))
    return Reply(presenter.log_page(page))

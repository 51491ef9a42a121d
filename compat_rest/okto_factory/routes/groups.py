"""/api/v1/device-groups"""

from typing import Annotated

from fastapi import APIRouter, Query

from compat_rest.kernel.links import link, linked
from compat_rest.kernel.okto import presenter as envelope
from compat_rest.kernel.okto.schemas import Data, Success
from compat_rest.kernel.replies import Reply
from compat_rest.okto_factory import command_schemas, presenter, schemas
from compat_rest.okto_factory.auth import User, require
from compat_rest.okto_factory.routes.parameters import Limit
from domain.fleet.commands import ChangeMembers, CreateGroup, DispatchGroupCommand, UpdateGroup
from domain.fleet.rows import GroupRow
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import Permission
from graph.context import Context
from graph.fleet import resolvers

GROUP_ID = "$response.body#/data/id"
router = APIRouter(prefix="/api/v1/device-groups", tags=["device groups"])
Leaving = Annotated[
    list[str] | None,
    Query(alias="deviceIds", description="Instead of a body; several, or one list with commas"),
]


@router.get("", response_model=Data[list[schemas.Group]])
async def list_groups(caller: User, limit: Limit = 10_000) -> Reply:
    page = await resolvers.list_groups(caller, PageRequest(limit))
    sizes = await resolvers.group_sizes(caller, [row.id for row in page.rows])
    return Reply(presenter.group_list(page.rows, sizes))


@router.post(
    "",
    response_model=Data[schemas.Group],
    responses=linked(
        group=link("get_group", id=GROUP_ID),
        update=link("update_group", id=GROUP_ID),
        members=link("group_members", id=GROUP_ID),
        command=link("dispatch_group_command", id=GROUP_ID),
        removal=link("delete_group", id=GROUP_ID),
    ),
)
async def create_group(caller: User, body: schemas.CreateGroupBody) -> Reply:
    require(caller, Permission.FLEET_GROUP_READ)
    command = CreateGroup.of(
        name=body.name, description=body.description, devices=tuple(body.device_ids)
    )
    return await _shown(caller, await resolvers.create_group(caller, command))


@router.get("/{id}", response_model=Data[schemas.Group])
async def get_group(caller: User, id: str) -> Reply:
    row = await resolvers.group(caller, id)
    if row is None:
        raise NotFound("Device group", id)
    return await _shown(caller, row)


@router.put("/{id}", response_model=Data[schemas.Group])
async def update_group(caller: User, id: str, body: schemas.UpdateGroupBody) -> Reply:
    require(caller, Permission.FLEET_GROUP_READ)
    command = UpdateGroup.of(group_id=id, **body.model_dump(exclude_unset=True))
    return await _shown(caller, await resolvers.update_group(caller, command))


@router.delete("/{id}", response_model=Success)
async def delete_group(caller: User, id: str) -> Reply:
    await resolvers.delete_group(caller, id)
    return Reply(envelope.SUCCESS)


@router.get("/{id}/members", response_model=Data[list[schemas.DeviceItem]])
async def group_members(caller: User, id: str) -> Reply:
    rows = await resolvers.group_members(caller, id)
    return Reply(presenter.device_list(rows, await resolvers.connection_settings(caller)))


@router.post("/{id}/members", response_model=Data[schemas.Added])
async def add_members(caller: User, id: str, body: schemas.MembersBody) -> Reply:
    command = ChangeMembers.of(group_id=id, devices=tuple(body.device_ids))
    _, added = await resolvers.add_devices_to_group(caller, command)
    return Reply(envelope.data({"added": added}))


@router.delete("/{id}/members", response_model=Data[schemas.Removed])
async def remove_members(
    caller: User, id: str, leaving: Leaving = None, body: schemas.MembersBody | None = None
) -> Reply:
    named = [key for keys in leaving or () for key in keys.split(",") if key]
    devices = (*(body.device_ids if body is not None else ()), *named)
    if not devices:
        raise ValidationFailed("deviceIds", "Required field missing")
    command = ChangeMembers.of(group_id=id, devices=devices)
    _, removed = await resolvers.remove_devices_from_group(caller, command)
    return Reply(envelope.data({"removed": removed}))


@router.post("/{id}/commands", response_model=Data[command_schemas.BulkRecord])
async def dispatch_group_command(
    caller: User, id: str, body: command_schemas.DispatchBody
) -> Reply:
    require(caller, Permission.FLEET_DEVICE_READ)
    order = body.command
    command = DispatchGroupCommand.of(
        group_id=id,
        type=order.type,
        arguments=order.arguments,
        key=order.id,
        timeout_ms=body.timeout_ms,
    )
    bulk, rows = await resolvers.dispatch_group_command(caller, command)
    devices = await resolvers.devices_by_ids(caller, [row.device_id for row in rows])
    return Reply(presenter.bulk(bulk, rows, devices))


async def _shown(caller: Context, row: GroupRow) -> Reply:
    sizes = await resolvers.group_sizes(caller, [row.id])
    return Reply(envelope.data(presenter.group(row, sizes[row.id])))

"""/api/v1/devices/"""

from typing import Annotated

from fastapi import APIRouter, Body, Query

from compat_rest.kernel.links import link, linked
from compat_rest.kernel.replies import Reply
from compat_rest.valtronics import commands, presenter, schemas
from compat_rest.valtronics.auth import Reader, Writer
from compat_rest.valtronics.paths import DEVICES
from compat_rest.valtronics.routes.finding import configuration_of, device_of
from compat_rest.valtronics.routes.parameters import (
    COLUMNS,
    ONE_DEVICE,
    DeviceNumber,
    GroupBy,
    Order,
    PageNumber,
    PageSize,
    SortField,
    Text,
)
from domain.fleet.commands import DeviceFilter
from domain.fleet.rules import StatisticsRange
from domain.kernel.errors import NotFound
from graph.fleet import resolvers

MADE = "$response.body#/data/id"
SAME = "$request.path.device_id"
router = APIRouter(tags=["devices"])
one = APIRouter(tags=["devices"])
"""Of a device: after all paths that are words."""


@router.get(DEVICES, response_model=schemas.Data[schemas.Page[schemas.DeviceItem]])
async def list_devices(
    caller: Reader,
    page: PageNumber = 1,
    size: PageSize = 20,
    status: schemas.Status | None = None,
    device_type: schemas.DeviceType | None = None,
    location: Text = None,
    manufacturer: Text = None,
    sort: SortField = "created_at",
    order: Order = "desc",
) -> Reply:
    wanted = DeviceFilter(
        status=commands.status_of(status),
        kind=commands.kind_of(device_type),
        place=location,
        manufacturer=manufacturer,
    )
    rows, total = await resolvers.device_page(
        caller,
        wanted,
        sort=COLUMNS.get(sort, sort),
        descending=order == "desc",
        offset=(page - 1) * size,
        limit=size,
    )
    return Reply(presenter.page([presenter.item(row) for row in rows], total, page, size))


@router.post(
    DEVICES,
    response_model=schemas.Registered,
    responses=linked(
        device=link("get_device", device_id=MADE),
        update=link("update_device", device_id=MADE),
        status=link("update_device_status", device_id=MADE),
        configuration=link("get_device_configuration", device_id=MADE),
        configure=link("update_device_configuration", device_id=MADE),
        removal=link("delete_device", device_id=MADE),
    ),
)
async def create_device(caller: Writer, body: Annotated[schemas.NewDevices, Body()]) -> Reply:
    if isinstance(body, list):
        made = await resolvers.register_devices(caller, [commands.registration(b) for b in body])
        shown = [presenter.device(row, await configuration_of(caller, row)) for row in made]
        return Reply(presenter.data(shown, presenter.REGISTERED_MANY))
    row = await resolvers.register_device(caller, commands.registration(body))
    shown_one = presenter.device(row, await configuration_of(caller, row))
    return Reply(presenter.data(shown_one, presenter.REGISTERED))


@router.get(DEVICES + "stats", response_model=schemas.Data[schemas.Statistics])
async def get_device_statistics(
    caller: Reader,
    time_range: Annotated[StatisticsRange, Query()] = StatisticsRange.LAST_DAY,
    group_by: GroupBy = "device_type",
) -> Reply:
    found = day = await resolvers.device_statistics(caller, time_range)
    if time_range is not StatisticsRange.LAST_DAY:
        day = await resolvers.device_statistics(caller, StatisticsRange.LAST_DAY)
    return Reply(presenter.statistics(found, day, time_range, group_by))


@one.get(ONE_DEVICE, response_model=schemas.Data[schemas.DeviceDetails])
async def get_device(caller: Reader, device_id: DeviceNumber) -> Reply:
    found = await resolvers.device_overview(caller, device_id, StatisticsRange.LAST_DAY)
    if found is None:
        raise NotFound("Device", str(device_id))
    return Reply(presenter.details(found))


@one.put(
    ONE_DEVICE,
    response_model=schemas.Done[schemas.DeviceItem],
    responses=linked(device=link("get_device", device_id=SAME)),
)
async def update_device(
    caller: Writer, device_id: DeviceNumber, body: schemas.DeviceChanges
) -> Reply:
    row = await device_of(caller, device_id)
    changed = await resolvers.update_device(caller, commands.changes(row.id, body))
    return Reply(presenter.data(presenter.item(changed), presenter.UPDATED))


@one.delete(ONE_DEVICE, response_model=schemas.Deleted)
async def delete_device(caller: Writer, device_id: DeviceNumber) -> Reply:
    row = await device_of(caller, device_id)
    await resolvers.remove_device(caller, row.id)
    return Reply(presenter.data(None, presenter.DELETED))

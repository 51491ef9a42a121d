"""/api/v1/devices/status/{status} and /api/v1/devices/{device_id}/status"""

from fastapi import APIRouter

from compat_rest.kernel.links import link, linked
from compat_rest.kernel.replies import Reply
from compat_rest.valtronics import commands, presenter, schemas
from compat_rest.valtronics.auth import Reader, Writer
from compat_rest.valtronics.paths import DEVICES
from compat_rest.valtronics.routes.finding import device_of
from compat_rest.valtronics.routes.parameters import (
    ONE_DEVICE,
    DeviceNumber,
    PageNumber,
    PageSize,
)
from domain.fleet.commands import DeviceFilter
from graph.fleet import resolvers

router = APIRouter(tags=["status"])


@router.get(
    DEVICES + "status/{status}", response_model=schemas.Data[schemas.Page[schemas.StatusItem]]
)
async def list_devices_by_status(
    caller: Reader, status: schemas.Status, page: PageNumber = 1, size: PageSize = 20
) -> Reply:
    rows, total = await resolvers.device_page(
        caller,
        DeviceFilter(status=commands.status_of(status)),
        sort="created_at_us",
        descending=True,
        offset=(page - 1) * size,
        limit=size,
    )
    return Reply(presenter.page([presenter.status_item(row) for row in rows], total, page, size))


@router.put(
    ONE_DEVICE + "/status",
    response_model=schemas.Done[schemas.DeviceStatus],
    responses=linked(device=link("get_device", device_id="$request.path.device_id")),
)
async def update_device_status(
    caller: Writer, device_id: DeviceNumber, body: schemas.StatusBody
) -> Reply:
    row = await device_of(caller, device_id)
    changed = await resolvers.set_device_status(caller, commands.new_status(row.id, body))
    return Reply(presenter.data(presenter.status(changed), presenter.STATUS_UPDATED))

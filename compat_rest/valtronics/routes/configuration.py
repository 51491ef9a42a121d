"""/api/v1/devices/{device_id}/configuration"""

from fastapi import APIRouter

from compat_rest.kernel.links import link, linked
from compat_rest.kernel.replies import Reply
from compat_rest.valtronics import commands, presenter, schemas
from compat_rest.valtronics.auth import Reader, Writer
from compat_rest.valtronics.routes.finding import configuration_of, device_of
from compat_rest.valtronics.routes.parameters import ONE_DEVICE, DeviceNumber
from graph.fleet import resolvers

PATH = ONE_DEVICE + "/configuration"
router = APIRouter(tags=["configuration"])


@router.get(PATH, response_model=schemas.Data[schemas.Configuration])
async def get_device_configuration(caller: Reader, device_id: DeviceNumber) -> Reply:
    row = await device_of(caller, device_id)
    desired = await configuration_of(caller, row)
    return Reply(presenter.data(presenter.configuration(row, desired)))


@router.put(
    PATH,
    response_model=schemas.Done[schemas.Configuration],
    responses=linked(
        configuration=link("get_device_configuration", device_id="$request.path.device_id")
    ),
)
async def update_device_configuration(
    caller: Writer, device_id: DeviceNumber, body: schemas.ConfigurationBody
) -> Reply:
    row = await device_of(caller, device_id)
    desired = await resolvers.set_configuration(caller, commands.new_configuration(row.id, body))
    return Reply(presenter.data(presenter.configuration(row, desired), presenter.CONFIGURED))

"""/api/v1/ups and /api/v1/gpio"""

from fastapi import APIRouter

from compat_rest.kernel.auth import Caller
from compat_rest.kernel.okto.schemas import Data
from compat_rest.kernel.replies import Reply
from compat_rest.okto_edge import cabinet_presenter as presenter
from compat_rest.okto_edge import cabinet_schemas as schemas
from compat_rest.okto_edge.routes.parameters import PanelName
from graph.line import resolvers

router = APIRouter(prefix="/api/v1", tags=["hardware"])


@router.get("/ups/status", response_model=Data[schemas.UpsState])
async def ups_status(caller: Caller) -> Reply:
    return Reply(presenter.ups(await resolvers.ups(caller)))


@router.post("/ups/test", response_model=Data[schemas.UpsTest])
async def test_ups(caller: Caller) -> Reply:
    return Reply(presenter.ups_test(await resolvers.test_ups(caller)))


@router.post("/ups/simulate", response_model=Data[schemas.UpsState])
async def simulate_ups(caller: Caller, body: schemas.SimulateBody) -> Reply:
    found = await resolvers.simulate_ups(caller, body.on_battery, body.battery_percent)
    return Reply(presenter.ups(found))


@router.get("/gpio/status", response_model=Data[schemas.GpioState])
async def gpio_status(caller: Caller) -> Reply:
    return Reply(presenter.gpio(await resolvers.gpio(caller)))


@router.post("/gpio/buttons/{name}/test", response_model=Data[schemas.GpioState])
async def test_button(caller: Caller, name: PanelName) -> Reply:
    return Reply(presenter.gpio(await resolvers.press_button(caller, name)))


@router.post("/gpio/leds/{name}/set", response_model=Data[schemas.GpioState])
async def set_led(caller: Caller, name: PanelName, body: schemas.LedBody) -> Reply:
    return Reply(presenter.gpio(await resolvers.set_led(caller, name, body.on)))

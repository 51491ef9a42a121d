"""/api/v1/provision"""

from fastapi import APIRouter

from compat_rest.kernel.auth import Caller
from compat_rest.kernel.okto.schemas import Data
from compat_rest.kernel.replies import Reply
from compat_rest.okto_edge import sync_presenter as presenter
from compat_rest.okto_edge import sync_schemas as schemas
from domain.sync.commands import ActivateDevice, SignIn
from graph.sync import resolvers

router = APIRouter(prefix="/api/v1/provision", tags=["provisioning"])


@router.get("/status", response_model=Data[schemas.ProvisioningStatusBody])
async def provisioning_status(caller: Caller) -> Reply:
    return Reply(presenter.provisioning_status(await resolvers.provision_status(caller)))


@router.post("/signin", response_model=schemas.SignedIn)
async def sign_in(caller: Caller, body: schemas.SignInBody) -> Reply:
    command = SignIn.of(email=body.email, password=body.password)
    await resolvers.sign_in(caller, command)
    return Reply(presenter.signed_in())


@router.get("/devices", response_model=Data[list[schemas.CloudDevice]])
async def cloud_devices(caller: Caller) -> Reply:
    return Reply(presenter.cloud_devices(await resolvers.cloud_devices(caller)))


@router.post("/activate", response_model=schemas.Activated)
async def activate_device(caller: Caller, body: schemas.ActivateBody) -> Reply:
    command = ActivateDevice.of(**body.model_dump())
    return Reply(presenter.activated(await resolvers.activate(caller, command)))


@router.post("/deprovision", response_model=schemas.Deprovisioned)
async def deprovision(caller: Caller) -> Reply:
    await resolvers.deprovision(caller)
    return Reply(presenter.deprovisioned())


@router.get("/device", response_model=Data[schemas.ProvisionedDevice])
async def provisioned_device(caller: Caller) -> Reply:
    return Reply(presenter.provisioned_device(await resolvers.provisioned_device(caller)))

"""/api/v1/firmware"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import StreamingResponse

from compat_rest.kernel.bodies import streamed
from compat_rest.kernel.links import link
from compat_rest.kernel.okto import presenter as envelope
from compat_rest.kernel.okto.errors import ErrorBody
from compat_rest.kernel.okto.schemas import Data, Success
from compat_rest.kernel.replies import Reply
from compat_rest.okto_factory import downloads, firmware_schemas
from compat_rest.okto_factory import firmware_presenter as presenter
from compat_rest.okto_factory.auth import DeviceOrUser, User, require
from compat_rest.okto_factory.presenter import Devices
from compat_rest.okto_factory.routes.parameters import Limit, Text, plain
from domain.kernel.errors import NotFound
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import Permission
from domain.software.commands import (
    Deploy,
    FileName,
    KeyId,
    Name,
    Prose,
    ReleaseFilter,
    RolloutFilter,
    Signature,
    UploadRelease,
    VersionText,
)
from domain.software.rows import RolloutProgress
from graph.context import Context
from graph.fleet import resolvers as fleet
from graph.software import resolvers

RELEASES: Final = "/api/v1/firmware/releases"
SHOWN_DEVICES: Final = 100
RELEASE_ID: Final = "$response.body#/data/id"
_BYTES: Final[dict[str, Any]] = {"type": "string", "format": "binary", "minLength": 1}
_ARTIFACT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "All of it", "content": {downloads.MEDIA_TYPE: {"schema": _BYTES}}},
    206: {"description": "The part", "content": {downloads.MEDIA_TYPE: {"schema": _BYTES}}},
    416: {"description": "The range lies outside of it", "model": ErrorBody},
}
router = APIRouter(tags=["firmware"])


@router.get(RELEASES, response_model=Data[list[firmware_schemas.Release]])
async def list_releases(caller: User, limit: Limit = 100) -> Reply:
    page = await resolvers.list_releases(caller, ReleaseFilter(), PageRequest(limit))
    return Reply(presenter.release_list(page.rows))


@router.post(
    RELEASES,
    response_model=Data[firmware_schemas.Release],
    responses={
        200: {
            "links": {
                "release": link("get_release", id=RELEASE_ID),
                "artifact": link("download_artifact", id=RELEASE_ID),
                "removal": link("delete_release", id=RELEASE_ID),
            }
        }
    },
    openapi_extra={
        "requestBody": {"required": True, "content": {downloads.MEDIA_TYPE: {"schema": _BYTES}}}
    },
)
async def upload_release(
    caller: User,
    request: Request,
    version: Annotated[VersionText, Query(description="SemVer 2.0.0")],
    filename: Annotated[FileName, Query(description="A name, never a path")],
    application: Annotated[Name | None, Query(description="Whose version; else the edge's")] = None,
    notes: Annotated[Prose, Query()] = "",
    signature: Annotated[
        Signature | None, Query(description="base64 of Ed25519 over the sha256's 32 bytes")
    ] = None,
    key_id: Annotated[KeyId | None, Query(alias="keyId")] = None,
) -> Reply:
    command = UploadRelease.of(
        version=version,
        filename=filename,
        application=application,
        notes=notes,
        signature=signature,
        key_id=key_id,
    )
    row = await resolvers.upload_release(caller, command, streamed(request))
    return Reply(envelope.data(presenter.release(row)))


@router.get(RELEASES + "/{id}", response_model=Data[firmware_schemas.Release])
async def get_release(caller: User, id: str) -> Reply:
    row = await resolvers.release(caller, id)
    if row is None:
        raise NotFound("Release", id)
    return Reply(envelope.data(presenter.release(row)))


@router.delete(RELEASES + "/{id}", response_model=Success)
async def delete_release(caller: User, id: str) -> Reply:
    await resolvers.delete_release(caller, id)
    return Reply(envelope.SUCCESS)


@router.get(RELEASES + "/{id}/artifact", response_class=StreamingResponse, responses=_ARTIFACT)
async def download_artifact(
    caller: DeviceOrUser,
    id: str,
    range: Annotated[str | None, Header()] = None,
    if_range: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    return await downloads.artifact(caller, id, range, if_range)


@router.get("/api/v1/firmware/deployments", response_model=Data[list[firmware_schemas.Deployment]])
async def list_deployments(
    caller: User,
    release: Annotated[Text, Query(alias="releaseId")] = None,
    device: Annotated[Text, Query(alias="deviceId")] = None,
    limit: Limit = 100,
) -> Reply:
    wanted = RolloutFilter(release_id=plain(release), device_id=device)
    page = await resolvers.list_rollouts(caller, wanted, PageRequest(limit))
    progress = await resolvers.rollout_progress(caller, page.rows)
    deployments = [progress[row.id] for row in page.rows]
    targets, devices = await _devices(caller, deployments, device)
    return Reply(presenter.deployment_list(deployments, targets, devices))


@router.post("/api/v1/firmware/deployments", response_model=Data[firmware_schemas.Deployment])
async def deploy(caller: User, body: firmware_schemas.DeployBody) -> Reply:
    require(caller, Permission.SOFTWARE_ROLLOUT_READ, Permission.FLEET_DEVICE_READ)
    command = Deploy.of(
        release_id=body.release_id, device_ids=tuple(body.device_ids), group_id=body.group_id
    )
    deployed = await resolvers.deploy(caller, command)
    targets, devices = await _devices(caller, [deployed], None)
    return Reply(envelope.data(presenter.deployment(deployed, targets, devices)))


async def _devices(
    caller: Context, deployments: list[RolloutProgress], device: str | None
) -> tuple[presenter.Targets, Devices]:
    """What they are deployed to, and the devices that these are."""
    ids = [one.rollout.id for one in deployments]
    targets = await resolvers.targets_of_rollouts(caller, ids, device, SHOWN_DEVICES)
    named = [target.device_id for rows in targets.values() for target in rows]
    return targets, await fleet.devices_by_ids(caller, named)

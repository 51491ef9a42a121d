"""/api/v1/applications/{appName}/software"""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from compat_rest.kernel.addresses import base_of
from compat_rest.kernel.links import Responses, link
from compat_rest.kernel.replies import Reply
from compat_rest.otao import commands, presenter, schemas
from compat_rest.otao.auth import Reader, Remover, Updater
from compat_rest.otao.routes.parameters import VERSION, VERSIONS, AppName, SoftwareVersion
from domain.software.rows import SoftwareName
from graph.software import resolvers

router = APIRouter(tags=["application software"])
_THIS: Final = {
    "appName": "$request.path.appName",
    "softwareVersion": "$request.path.softwareVersion",
}
_CREATED: Final[Responses] = {
    201: {
        "description": "Software created",
        "headers": {
            "Location": {
                "description": "Where it is",
                "required": True,
                "schema": {"type": "string", "format": "uri"},
            }
        },
        "links": {
            "software": link("get_software", **_THIS),
            "changes": link("update_software", **_THIS),
            "file": link("upload_file", **_THIS),
            "removal": link("delete_software", **_THIS),
            "all": link("list_software", appName=_THIS["appName"]),
        },
    }
}


@router.get(VERSIONS, response_model=list[schemas.Software])
async def list_software(caller: Reader, appName: AppName) -> Reply:  # noqa: N803
    found = await resolvers.list_software(caller, appName)
    return Reply([presenter.software(view) for view in found])


@router.get(VERSION, response_model=schemas.Software)
async def get_software(
    caller: Reader,
    appName: AppName,  # noqa: N803
    softwareVersion: SoftwareVersion,  # noqa: N803
) -> Reply:
    name = SoftwareName(appName, softwareVersion)
    return Reply(presenter.software(await resolvers.software_version(caller, name)))


@router.put(VERSION, status_code=204, response_class=Response)
async def update_software(
    caller: Updater,
    appName: AppName,  # noqa: N803
    softwareVersion: SoftwareVersion,  # noqa: N803
    body: schemas.Changes,
) -> Response:
    name = SoftwareName(appName, softwareVersion)
    await resolvers.update_software(caller, name, commands.changes(body))
    return Response(status_code=204)


@router.post(VERSION, status_code=201, response_class=Response, responses=_CREATED)
async def create_software(
    caller: Updater,
    request: Request,
    appName: AppName,  # noqa: N803
    softwareVersion: SoftwareVersion,  # noqa: N803
    body: schemas.NewSoftware,
) -> Response:
    name = SoftwareName(appName, softwareVersion)
    await resolvers.create_release(caller, commands.creation(name, body))
    path = VERSION.format(appName=appName, softwareVersion=softwareVersion)
    base = base_of(request, caller.services.policy.public_url)
    return Response(status_code=201, headers={"Location": base + path})


@router.delete(VERSION, status_code=204, response_class=Response)
async def delete_software(
    caller: Remover,
    appName: AppName,  # noqa: N803
    softwareVersion: SoftwareVersion,  # noqa: N803
) -> Response:
    await resolvers.delete_software(caller, SoftwareName(appName, softwareVersion))
    return Response(status_code=204)

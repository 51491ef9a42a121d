"""/api/v1/applications/{appName}/software/{softwareVersion}/files"""

from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from compat_rest.kernel.addresses import base_of
from compat_rest.kernel.linked_files import link_address
from compat_rest.kernel.multipart import FORM, form_file
from compat_rest.kernel.replies import Reply
from compat_rest.otao import schemas
from compat_rest.otao.auth import Reader, Remover, Updater
from compat_rest.otao.routes.parameters import (
    FILES,
    AppName,
    FileName,
    SoftwareFile,
    SoftwareVersion,
)
from domain.kernel.errors import ValidationFailed
from domain.software.rows import SoftwareName
from graph.software import resolvers

FIELD: Final = "file"
_NAME: Final[TypeAdapter[str]] = TypeAdapter(SoftwareFile)
_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "required": [FIELD],
    "properties": {FIELD: {"type": "string", "format": "binary", "minLength": 1}},
}
_BODY: Final[dict[str, Any]] = {"required": True, "content": {FORM.decode(): {"schema": _FORM}}}
router = APIRouter(tags=["application software"])


@router.put(
    FILES,
    status_code=204,
    response_class=Response,
    openapi_extra={
        "requestBody": {"required": True, "content": {FORM.decode(): {"schema": _FORM}}}
    },
)
async def upload_file(
    caller: Updater,
    request: Request,
    appName: AppName,  # noqa: N803
    softwareVersion: SoftwareVersion,  # noqa: N803
) -> Response:
    """Instead of the file that it has, as long as nobody uses that. Its name is `a-z0-9._-`, 1 to
    30 of them."""
    file = await form_file(request, FIELD)
    name = SoftwareName(appName, softwareVersion)
    await resolvers.put_file(caller, name, _named(file.filename), file.chunks)
    return Response(status_code=204)


@router.delete(FILES + "/{fileName}", status_code=204, response_class=Response)
async def delete_file(
    caller: Remover,
    appName: AppName,  # noqa: N803
    softwareVersion: SoftwareVersion,  # noqa: N803
    fileName: FileName,  # noqa: N803
) -> Response:
    await resolvers.remove_file(caller, SoftwareName(appName, softwareVersion), fileName)
    return Response(status_code=204)


@router.get(FILES + "/{fileName}/links", response_model=schemas.Link)
async def link_file(
    caller: Reader,
    request: Request,
    appName: AppName,  # noqa: N803
    softwareVersion: SoftwareVersion,  # noqa: N803
    fileName: FileName,  # noqa: N803
) -> Reply:
    """It needs no token, and expires."""
    name = SoftwareName(appName, softwareVersion)
    found = await resolvers.file_link(caller, name, fileName)
    base = base_of(request, caller.services.policy.public_url)
    return Reply({"link": link_address(base, found)})


def _named(filename: str) -> str:
    try:
        return _NAME.validate_python(filename)
    except ValidationError as error:
        rule = "a file's name is 1 to 30 of a-z, 0-9, '.', '_' and '-', and more than dots"
        raise ValidationFailed(FIELD, rule) from error

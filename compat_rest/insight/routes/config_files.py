"""/{customer_id}/device-configs, and links to what is there"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Request
from starlette.responses import Response, StreamingResponse

from compat_rest.insight import config_files_presenter as presenter
from compat_rest.insight.auth import Member
from compat_rest.insight.config_files_schemas import (
    DeviceConfig,
    DeviceConfigs,
    DownloadLink,
    WantedFile,
)
from compat_rest.insight.cors import documented_options
from compat_rest.insight.links import address
from compat_rest.kernel.auth import entry_of
from compat_rest.kernel.bodies import streamed
from compat_rest.kernel.links import link
from compat_rest.kernel.replies import Reply
from compat_rest.kernel.streaming import Download
from domain.fleet.config_files.commands import NAME, OCTETS, PutConfigFile
from graph.fleet.resolvers import config_files as resolvers

FILES: Final = "/{customer_id}/device-configs"
ONE: Final = FILES + "/{device_config_id}"
GENERATE: Final = "/{customer_id}/generate-download-url"
LINKS: Final = "/device-config-files/"
CUSTOMER: Final = "$request.path.customer_id"
SAME: Final = "$request.path.device_config_id"
_BYTES: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}
FileId = Annotated[
    str, Path(description="What its client calls it by", max_length=128, pattern=NAME)
]
Name = Annotated[
    str,
    Header(
        alias="File-Name",
        description="A name, never a path; UTF-8",
        max_length=255,
        pattern=NAME,
    ),
]
router = APIRouter(tags=["device configs"])
documented_options(router, ONE, "device_config_options")
documented_options(router, GENERATE, "generate_download_url_options")


def larger_bodies(max_file_bytes: int) -> Mapping[tuple[str, str], int]:
    """The routes that take more than the usual request, and how many bytes: for BodyLimit."""
    return {("PUT", ONE): max_file_bytes}


@router.get(FILES, response_model=DeviceConfigs)
async def list_device_configs(caller: Member) -> Reply:
    return Reply(presenter.device_configs(await resolvers.all_config_files(caller)))


@router.put(
    ONE,
    response_model=DeviceConfig,
    responses={
        200: {
            "links": {
                "file": link("get_device_config", customer_id=CUSTOMER, device_config_id=SAME),
                "link": link(
                    "generate_download_url",
                    customer_id=CUSTOMER,
                    body={"device_config_id": SAME},
                ),
                "removal": link(
                    "delete_device_config", customer_id=CUSTOMER, device_config_id=SAME
                ),
            }
        }
    },
    openapi_extra={"requestBody": {"required": False, "content": {OCTETS: _BYTES}}},
)
async def put_device_config(
    caller: Member, request: Request, device_config_id: FileId, file_name: Name
) -> Reply:
    command = PutConfigFile.of(
        identifier=device_config_id,
        name=_utf8(file_name),
        media_type=request.headers.get("content-type") or OCTETS,
    )
    row = await resolvers.put_config_file(caller, command, streamed(request))
    return Reply(presenter.device_config(row))


@router.get(
    ONE,
    response_class=StreamingResponse,
    responses={200: {"description": "Its bytes, as they came", "content": {"*/*": _BYTES}}},
)
async def get_device_config(caller: Member, device_config_id: FileId) -> StreamingResponse:
    return _file(await resolvers.open_config_file(caller, device_config_id))


@router.delete(ONE, status_code=204, response_class=Response)
async def delete_device_config(caller: Member, device_config_id: FileId) -> Response:
    await resolvers.remove_config_file(caller, device_config_id)
    return Response(status_code=204)


@router.post(GENERATE, response_model=DownloadLink)
async def generate_download_url(caller: Member, request: Request, body: WantedFile) -> Reply:
    found = await resolvers.link_config_file(caller, body.device_config_id)
    return Reply(presenter.download_link(address(request, caller, LINKS + found.token)))


async def download_device_config(request: Request) -> Response:
    """The link is all that is needed."""
    nobody = await entry_of(request).context(None)
    return _file(await resolvers.open_config_file_link(nobody, request.path_params["token"]))


router.add_route(LINKS + "{token}", download_device_config, include_in_schema=False)


def _file(found: resolvers.OpenFile) -> StreamingResponse:
    return Download(found.chunks, headers=presenter.file_headers(found.row))


def _utf8(header: str) -> str:
    """What is no UTF-8 was Latin-1, as headers were meant to be."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header

"""/{customer_id}/devices"""

from typing import Annotated, Final

from fastapi import APIRouter, Path
from starlette.requests import Request

from compat_rest.insight import devices_presenter as presenter
from compat_rest.insight import devices_schemas as schemas
from compat_rest.insight import pages
from compat_rest.insight.auth import Member
from compat_rest.insight.cors import documented_options
from compat_rest.insight.schemas import Page
from compat_rest.kernel.replies import Reply
from domain.gateways.commands import ScannerFilter, UpdateScanner
from domain.gateways.models import ScannerStatus
from domain.kernel.paging import PageRequest
from graph.gateways import resolvers

ALL: Final = "/{customer_id}/devices"
ONE: Final = ALL + "/{device_id}"
LISTED: Final = "devices"
router = APIRouter(tags=["devices"])
documented_options(router, ONE, "device_options")
DeviceId = Annotated[str, Path(description="A scanner's serial number, or its UUID")]


@router.get(ALL, response_model=Page[schemas.Device])
async def list_devices(
    request: Request,
    caller: Member,
    next_token: pages.NextToken = None,
    limit: pages.Limit = pages.MAX_LIMIT,
) -> Reply:
    """A page is as long as the one before it, unless it is to be shorter."""
    where = pages.position(caller, LISTED, next_token, None) or {}
    limit = min(limit, where.get("limit", limit))
    window = PageRequest(limit, after=where.get("after"))
    found = await resolvers.list_scanners(caller, ScannerFilter(), window)
    following = None
    if found.has_next:
        going_on = {"after": found.rows[-1].id, "limit": limit}
        following = pages.next_page(request, caller, LISTED, going_on)
    items = [presenter.device(row) for row in found.rows]
    return Reply(pages.page(items, following, "Scanners, the newest first", {}))


@router.put(ONE, response_model=schemas.Device)
async def update_device(caller: Member, device_id: DeviceId, body: schemas.DeviceBody) -> Reply:
    command = UpdateScanner.of(scanner=device_id, status=ScannerStatus(body.status))
    return Reply(presenter.device(await resolvers.update_scanner(caller, command)))

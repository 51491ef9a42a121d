"""/{customer_id}/gateways"""

from typing import Annotated, Final

from fastapi import APIRouter, Header, Path
from starlette.requests import Request

from compat_rest.insight import gateways_presenter as presenter
from compat_rest.insight import gateways_schemas as schemas
from compat_rest.insight import pages
from compat_rest.insight.auth import Member
from compat_rest.insight.schemas import Page
from compat_rest.kernel.links import Responses, link
from compat_rest.kernel.replies import Reply
from domain.gateways.commands import CreateGateway, GatewayFilter, UpdateGateway
from domain.gateways.rows import GatewayRow
from domain.kernel.errors import Conflict, NotFound
from domain.kernel.paging import PageRequest
from graph.context import Context
from graph.gateways import resolvers

ALL: Final = "/{customer_id}/gateways"
ONE: Final = ALL + "/{gateway_id}"
LISTED: Final = "gateways"
ANY_VERSION: Final = "*"
router = APIRouter(tags=["gateways"])

GatewayId = Annotated[str, Path(description="A gateway's id (UUID), thing name or serial")]
IfMatch = Annotated[
    str | None,
    Header(description="The ETag of the gateway as it was read: 409 where it was changed since"),
]
_SAME: Final = "$request.path.customer_id"
_MADE: Final = "$response.body#/id"
FOLLOWING: Final = {
    "gateway": link("get_gateway", customer_id=_SAME, gateway_id=_MADE),
    "update": link("update_gateway", customer_id=_SAME, gateway_id=_MADE),
    "preparation": link("prepare_provisioning", customer_id=_SAME, gateway_id=_MADE),
    "package": link(
        "create_provisioning_package",
        body={"gateways": [{"gateway_id": _MADE}]},
        customer_id=_SAME,
    ),
}
_ETAG: Final = {"ETag": {"schema": {"type": "string"}}}
CREATED: Final[Responses] = {201: {"links": FOLLOWING, "headers": _ETAG}}
SHOWN: Final[Responses] = {200: {"headers": _ETAG}}


@router.get(ALL, response_model=Page[schemas.Gateway])
async def list_gateways(
    request: Request,
    caller: Member,
    next_token: pages.NextToken = None,
    limit: pages.Limit = pages.MAX_LIMIT,
) -> Reply:
    """A page is as long as the one before it, unless it is to be shorter."""
    where = pages.position(caller, LISTED, next_token, None) or {}
    limit = min(limit, where.get("limit", limit))
    window = PageRequest(limit, after=where.get("after"))
    found = await resolvers.list_gateways(caller, GatewayFilter(), window)
    following = None
    if found.has_next:
        going_on = {"after": found.rows[-1].id, "limit": limit}
        following = pages.next_page(request, caller, LISTED, going_on)
    items = [presenter.gateway(row, now_us(caller)) for row in found.rows]
    return Reply(pages.page(items, following, "Gateways, the newest first", {}))


@router.post(ALL, status_code=201, response_model=schemas.Gateway, responses=CREATED)
async def create_gateway(caller: Member, body: schemas.GatewayBody) -> Reply:
    row = await resolvers.create_gateway(caller, CreateGateway.of(**body.model_dump()))
    return _reply(caller, row, 201)


@router.post(ALL + "/bulk-create", status_code=201, response_model=list[schemas.Gateway])
async def bulk_create_gateways(caller: Member, body: schemas.GatewaysBody) -> Reply:
    commands = [CreateGateway.of(**one.model_dump()) for one in body.gateways]
    rows = await resolvers.create_gateways(caller, commands)
    return Reply([presenter.gateway(row, now_us(caller)) for row in rows], 201)


@router.get(ONE, response_model=schemas.Gateway, responses=SHOWN)
async def get_gateway(caller: Member, gateway_id: GatewayId) -> Reply:
    return _reply(caller, await _existing(caller, gateway_id))


@router.patch(ONE, response_model=schemas.Gateway, responses=SHOWN)
async def update_gateway(
    caller: Member, gateway_id: GatewayId, body: schemas.GatewayChanges, if_match: IfMatch = None
) -> Reply:
    """Whoever does not say what they have read is refused only where somebody else comes in
    between."""
    row = await _existing(caller, gateway_id)
    if if_match not in (None, ANY_VERSION, _etag(row)):
        raise Conflict("The gateway was changed meanwhile")
    given = body.model_dump(exclude_none=True)
    changes = UpdateGateway.of(gateway=row.id, version=row.version, **given)
    return _reply(caller, await resolvers.update_gateway(caller, changes))


def now_us(caller: Context) -> int:
    return caller.services.clock.now_us()


async def _existing(caller: Context, gateway_id: str) -> GatewayRow:
    row = await resolvers.gateway(caller, gateway_id)
    if row is None:
        raise NotFound("Gateway", gateway_id)
    return row


def _etag(row: GatewayRow) -> str:
    return f'"{row.version}"'


def _reply(caller: Context, row: GatewayRow, status: int = 200) -> Reply:
    return Reply(presenter.gateway(row, now_us(caller)), status, {"ETag": _etag(row)})

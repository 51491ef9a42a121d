"""How gateways are let in: prepare-provisioning, /provisioning, create-provisioning-package"""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from compat_rest.insight import gateways_presenter as presenter
from compat_rest.insight import gateways_schemas as schemas
from compat_rest.insight.auth import Member
from compat_rest.insight.cors import documented_options
from compat_rest.insight.links import address
from compat_rest.insight.routes.gateways import ONE, GatewayId, now_us
from compat_rest.kernel.auth import Anyone, entry_of
from compat_rest.kernel.links import Responses, link
from compat_rest.kernel.replies import Reply
from domain.gateways.commands import CreatePackages, ProvisionGateway
from graph.gateways import resolvers

PROVISIONING: Final = "/provisioning"
PACKAGES: Final = "/{customer_id}/create-provisioning-package"
PACKAGE: Final = "/provisioning-packages/"
router = APIRouter(tags=["gateways"])
documented_options(router, PACKAGES, "create_provisioning_package_options")
PREPARED: Final[Responses] = {
    200: {"links": {"provisioning": link("provision", body={"token": "$response.body#/token"})}}
}


@router.post(ONE + "/prepare-provisioning", response_model=schemas.Prepared, responses=PREPARED)
async def prepare_provisioning(request: Request, caller: Member, gateway_id: GatewayId) -> Reply:
    """Once for each gateway: its token is shown now and never again."""
    made = await resolvers.prepare_gateway_provisioning(caller, gateway_id)
    path = request.scope.get("root_path", "") + PROVISIONING
    return _secret(presenter.prepared(made, path))


@router.post(PROVISIONING, response_model=schemas.Provisioned)
async def provision(caller: Anyone, body: schemas.TokenBody) -> Reply:
    """Called by the gateway, which has nothing but its token; once for each."""
    made = await resolvers.provision_gateway(caller, ProvisionGateway.of(token=body.token))
    return _secret(presenter.provisioned(made, now_us(caller)))


@router.post(PACKAGES, response_model=schemas.Packages)
async def create_provisioning_package(
    request: Request, caller: Member, body: schemas.PackagesBody
) -> Reply:
    """The gateways are provisioned by it: whoever has a link has the certificate behind it."""
    made = await resolvers.create_provisioning_packages(caller, _command(body))
    shown = []
    for one in made:
        token = await resolvers.package_token(caller, one.row)
        shown.append(presenter.package(one, address(request, caller, PACKAGE + token)))
    return _secret({"gateways": shown})


async def download_package(request: Request) -> Response:
    """What a link of `create_provisioning_package` opens."""
    caller = await entry_of(request).context(None)
    found = await resolvers.provisioning_package(caller, request.path_params["token"])
    headers = {
        "Content-Disposition": f'attachment; filename="{found.filename}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(found.content, media_type="application/zip", headers=headers)


router.add_route(PACKAGE + "{token}", download_package, methods=["GET"])


def _command(body: schemas.PackagesBody) -> CreatePackages:
    targets = tuple(
        {"gateway": one.gateway_id} if isinstance(one, schemas.ById) else {"name": one.gateway_name}
        for one in body.gateways
    )
    return CreatePackages.of(targets=targets, wifi=body.wifi and body.wifi.model_dump())


def _secret(content: object) -> Reply:
    return Reply(content, headers={"Cache-Control": "no-store"})

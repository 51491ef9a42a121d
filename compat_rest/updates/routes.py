"""/api/v1/software"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import HTTPConnection
from starlette.responses import Response

from compat_rest.kernel.addresses import base_of
from compat_rest.kernel.auth import caller
from compat_rest.kernel.fields import Body, without_titles
from compat_rest.kernel.replies import Reply
from compat_rest.updates import presenter
from domain.kernel.actor import ActorKind
from domain.kernel.errors import Forbidden
from domain.software.commands import AnyVersion, FindOffer, Name, ReportInstalled
from graph.context import Context
from graph.software import resolvers

router = APIRouter(tags=["software of a device"])


async def device(connection: HTTPConnection) -> Context:
    """A device, by a token of its own. It is all that is asked about."""
    context = await caller(connection)
    if context.actor.kind is not ActorKind.DEVICE:
        raise Forbidden("Only a device's own token opens this")
    return context


Device = Annotated[Context, Depends(device)]


class InstalledBody(Body):
    """What the device runs from now on. The version need not be a release here."""

    application: Name
    version: AnyVersion


class Offer(BaseModel):
    """`specification` as its owner gave it; the three last where there is a file. The link needs
    no token and expires, the sha256 is to be checked before anything is installed."""

    model_config = ConfigDict(json_schema_extra=without_titles)

    application: str
    currentVersion: str  # noqa: N815 - a name of the API
    version: str
    specification: Any
    filename: str | None
    sha256: str | None
    sizeBytes: int | None  # noqa: N815
    signature: str | None
    keyId: str | None  # noqa: N815
    link: Annotated[str | None, Field(json_schema_extra={"format": "uri"})]
    linkExpiresAt: Annotated[  # noqa: N815
        str | None, Field(json_schema_extra={"format": "date-time"})
    ]


@router.put("/api/v1/software/current", status_code=204, response_class=Response)
async def report_installed(caller: Device, body: InstalledBody) -> Response:
    command = ReportInstalled.of(
        device=caller.actor.id, application=body.application, version=body.version
    )
    await resolvers.report_installed(caller, command)
    return Response(status_code=204)


@router.get(
    "/api/v1/software/offered",
    response_model=Offer,
    responses={204: {"description": "Nothing is offered now"}},
)
async def offered_software(
    caller: Device,
    request: Request,
    application: Annotated[Name | None, Query(description="Else the last reported")] = None,
) -> Response:
    """The one version to install next over what it reported."""
    wanted = FindOffer.of(device=caller.actor.id, application=application)
    offer = await resolvers.offered_software(caller, wanted)
    if offer is None:
        return Response(status_code=204)
    return Reply(presenter.offer(offer, base_of(request, caller.services.policy.public_url)))

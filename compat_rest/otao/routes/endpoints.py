"""/api/v1/endpoints"""

from typing import Annotated

from fastapi import APIRouter, Path

from compat_rest.kernel.replies import Reply
from compat_rest.otao import presenter, schemas
from compat_rest.otao.auth import EndpointReader
from graph.software import resolvers

EndpointId = Annotated[str, Path(description="A device's id or identifier", min_length=1)]
router = APIRouter(tags=["endpoint software"])


@router.get("/api/v1/endpoints/{endpointId}/software/current", response_model=schemas.Software)
async def current_software(caller: EndpointReader, endpointId: EndpointId) -> Reply:  # noqa: N803
    """What it last reported as installed, never what is on its way."""
    return Reply(presenter.software(await resolvers.current_software(caller, endpointId)))

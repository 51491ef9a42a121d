"""/api/v1/mock: in mock mode only, otherwise these routes do not exist"""

from typing import Annotated

from fastapi import APIRouter, Query

from compat_rest.kernel.auth import Caller
from compat_rest.kernel.okto import presenter as envelope
from compat_rest.kernel.okto import schemas as okto
from compat_rest.kernel.replies import Reply
from compat_rest.okto_edge import schemas
from domain.production.codes import DEFAULT_CATALOGUE
from graph.production import resolvers

router = APIRouter(prefix="/api/v1/mock", tags=["mock"])
INDUSTRIES = [str(name) for name in DEFAULT_CATALOGUE.industries]
# An installation's own profiles may know more, so that these are documented, not enforced here.
Industry = Annotated[
    str, Query(min_length=1, description="Industry type", json_schema_extra={"enum": INDUSTRIES})
]


@router.post("/scan", response_model=okto.Success)
async def mock_scan(caller: Caller, body: schemas.CodeBody) -> Reply:
    await resolvers.mock_scan(caller, body.code)
    return Reply(envelope.SUCCESS)


@router.post("/generate-code", response_model=okto.Data[schemas.GeneratedCode])
async def generate_code(caller: Caller, industry: Industry = "milk") -> Reply:
    code = await resolvers.generate_code(caller, industry)
    return Reply(envelope.data({"code": code}))

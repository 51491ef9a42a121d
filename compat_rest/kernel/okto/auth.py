"""/health and /api/v1/auth"""

from fastapi import APIRouter, Request

from compat_rest.kernel.auth import Anyone
from compat_rest.kernel.okto import presenter, schemas
from compat_rest.kernel.replies import Reply
from graph.identity import resolvers as identity
from graph.line import resolvers as line

router = APIRouter()


@router.get("/health", response_model=schemas.Health, tags=["health"])
async def health(context: Anyone) -> Reply:
    return Reply(presenter.health(await line.health(context)))


@router.post("/api/v1/auth/login", response_model=schemas.Data[schemas.Login], tags=["auth"])
async def login(context: Anyone, request: Request, body: schemas.LoginBody) -> Reply:
    address = request.client.host if request.client else ""
    result = await identity.login(context, body.username, body.password, address)
    return Reply(presenter.login(result))

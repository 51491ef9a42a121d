"""/api/, /api/login, /api/restart and /api/backup"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from compat_rest.kernel.auth import Anyone
from compat_rest.kernel.fields import Flag
from compat_rest.kernel.links import link, linked
from compat_rest.kernel.replies import Reply
from compat_rest.ontakt import presenter, schemas
from compat_rest.ontakt.auth import Keeper, Member, Restarter
from compat_rest.ontakt.errors import CANNOT_RESTART, ErrorBody
from domain.identity import rules
from graph.identity import resolvers

MEDIA_TYPE: Final = "application/octet-stream"
_FILE: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}
router = APIRouter(prefix="/api", tags=["root"])
Compress = Annotated[Flag, Query(description="A smaller file, made in more time")]


@router.get("/", response_model=schemas.Access, responses=linked(backup=link("backup")))
async def get_access(caller: Member) -> Reply:
    return Reply(presenter.access(caller.actor))


@router.post("/login", response_model=schemas.Login, responses=linked(access=link("get_access")))
async def login(anyone: Anyone, request: Request, body: schemas.LoginBody) -> Reply:
    address = request.client.host if request.client else ""
    made = await resolvers.login(anyone, body.username, body.password, address)
    user = presenter.user(rules.actor_of(made.user))
    return Reply({"token": made.token, "user": user})


@router.post(
    "/restart",
    status_code=204,
    response_class=Response,
    responses={CANNOT_RESTART: {"model": ErrorBody, "description": "Nobody would start it again"}},
)
async def restart(caller: Restarter) -> Response:
    await resolvers.restart_installation(caller)
    return Response(status_code=204)


@router.post(
    "/backup",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The dump as a file",
            "content": {MEDIA_TYPE: _FILE},
            "headers": {
                "Content-Disposition": {"required": True, "schema": {"type": "string"}},
            },
        }
    },
)
async def backup(caller: Keeper, compress: Compress = False) -> Response:
    made = await resolvers.take_backup(caller, compress=compress)
    headers = {
        "Content-Disposition": f'attachment; filename="{made.name}"',
        "Content-Length": str(made.size_bytes),
    }
    return StreamingResponse(made.chunks(), headers=headers, media_type=MEDIA_TYPE)

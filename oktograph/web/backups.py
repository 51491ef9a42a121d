"""/backups: where the links of GraphQL's backups lead. The link itself is what opens it, so that a
browser or curl can follow it."""

from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from compat_rest.kernel.auth import Entry
from compat_rest.kernel.replies import Reply
from compat_rest.kernel.streaming import Download
from domain.identity.installation.rules import BACKUPS
from domain.kernel.errors import DomainError, ErrorCode
from graph.identity import resolvers

MEDIA_TYPE: Final = "application/octet-stream"
_STATUSES: Final = {ErrorCode.FORBIDDEN: 403, ErrorCode.NOT_FOUND: 404}


def backup_routes(entry: Entry) -> list[BaseRoute]:
    async def download(request: Request) -> Response:
        context = await entry.context(None)
        token = request.query_params.get("token", "")
        found = await resolvers.open_backup(context, request.path_params["name"], token)
        headers = {
            "Content-Disposition": f'attachment; filename="{found.name}"',
            "Content-Length": str(found.size_bytes),
            "Cache-Control": "no-store",
        }
        return Download(found.chunks(), headers=headers, media_type=MEDIA_TYPE)

    routes = [Route("/{name}", download, methods=["GET"])]
    handlers = {DomainError: _refused, HTTPException: _not_served}
    return [Mount(BACKUPS, Starlette(routes=routes, exception_handlers=handlers))]  # type: ignore[arg-type]


async def _refused(_request: Request, error: DomainError) -> Response:
    status = _STATUSES.get(error.code, 503)
    return Reply({"error": error.message}, status)


async def _not_served(_request: Request, error: HTTPException) -> Response:
    return Reply({"error": error.detail}, error.status_code, dict(error.headers or {}))

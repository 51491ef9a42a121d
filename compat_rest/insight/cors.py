"""What lets scripts of any site call: three headers on every answer, whatever it says, and OPTIONS
of any path answered with them at once. A token is a header here and no cookie, so that another
site's script has only what its user gave it."""

import re
from typing import Any, Final

from fastapi import APIRouter
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from compat_rest.kernel.auth import Anyone

HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "DELETE,GET,OPTIONS,PATCH,POST,PUT",
    "Access-Control-Allow-Headers": "Authorization,Content-Type,File-Name,If-Match,If-None-Match",
}
DESCRIBED: Final[dict[str, Any]] = {name: {"schema": {"type": "string"}} for name in HEADERS}


class Cors:
    """Stands around everything else of the dialect."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await Response(headers=HEADERS)(scope, receive, send)
        else:
            await self._app(scope, receive, _allowing(send))


def _allowing(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    return sending


def documented_options(router: APIRouter, path: str, name: str) -> None:
    """The old API's description names OPTIONS on some paths; all others answer it as well."""

    async def options(_caller: Anyone) -> Response:
        return Response(headers=HEADERS)

    parameters = [
        {"name": one, "in": "path", "required": True, "schema": {"type": "string"}}
        for one in re.findall(r"{(\w+)}", path)
    ]
    router.add_api_route(
        path,
        options,
        methods=["OPTIONS"],
        name=name,
        response_class=Response,
        openapi_extra={"parameters": parameters},
    )

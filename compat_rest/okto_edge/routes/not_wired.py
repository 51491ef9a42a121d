"""Routes whose service is not wired on this installation: the documented 503."""

import re
from typing import Any, Final

from fastapi import APIRouter

from compat_rest.kernel.auth import Anyone, Caller
from compat_rest.kernel.okto.errors import ErrorBody
from compat_rest.kernel.replies import Reply

NOT_WIRED: Final = {"error": {"code": "SERVICE_UNAVAILABLE"}}
_ROUTES: Final = (
    ("/api/v1/printers", "GET PUT"),
    ("/api/v1/printers/schema", "GET"),
    ("/api/v1/printers/{index}/status", "GET"),
    ("/api/v1/printers/{index}/print", "POST"),
    ("/api/v1/printers/{index}/test", "POST"),
    ("/api/v1/printers/{index}/templates", "GET POST"),
    ("/api/v1/printers/{index}/templates/{name}", "GET PUT DELETE"),
)
_PUBLIC: Final = ("/api/v1/catalog/printers",)

router = APIRouter(tags=["not wired"])


async def not_wired(caller: Caller) -> Reply:
    caller.actor.require_known()
    return Reply(NOT_WIRED, 503)


async def not_wired_public(_context: Anyone) -> Reply:
    return Reply(NOT_WIRED, 503)


def _name(method: str, path: str) -> str:
    words = path.removeprefix("/api/v1/").replace("{", "").replace("}", "")
    return f"{method.lower()}_{words}".replace("/", "_").replace("-", "_")


def _path_parameters(path: str) -> dict[str, Any]:
    """FastAPI documents those that an endpoint takes, and this one takes none."""
    names = re.findall(r"{(\w+)}", path)
    found = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]
    return {"parameters": found} if found else {}


for _path, _methods in _ROUTES:
    for _method in _methods.split():
        router.add_api_route(
            _path,
            not_wired,
            methods=[_method],
            name=_name(_method, _path),
            status_code=503,
            response_model=ErrorBody,
            openapi_extra=_path_parameters(_path),
        )
for _path in _PUBLIC:
    router.add_api_route(
        _path,
        not_wired_public,
        methods=["GET"],
        name=_name("GET", _path),
        status_code=503,
        response_model=ErrorBody,
    )

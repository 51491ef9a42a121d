"""The slash at the end of a path: the list's own path has one, all others have none, and clients
may say it either way."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

DEVICES: Final = "/api/v1/devices/"


def path_of(scope: Scope) -> str:
    """Below whatever it is mounted on, with the slash that it should have."""
    path = _below(scope)
    if path + "/" == DEVICES:
        return DEVICES
    has_one_more = path.endswith("/") and not path.endswith("//") and path != DEVICES
    return path[:-1] if has_one_more else path


class EitherWay:
    """Sets the path right before a route is looked for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            whole, path = scope["path"], _below(scope)
            scope["path"] = whole[: len(whole) - len(path)] + path_of(scope)
        await self._app(scope, receive, send)


def _below(scope: Scope) -> str:
    """The path as routes see it: without what the application is mounted on."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    rest = path.removeprefix(root)
    return rest if rest[:1] in ("", "/") else path

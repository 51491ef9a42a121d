"""Files behind signed links, below `/files` of a dialect: whoever has the link needs no token.

No operation of the API: a link is made by one, and is opaque to whoever follows it.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from compat_rest.kernel import downloads
from compat_rest.kernel.auth import Entry
from compat_rest.kernel.errors import ErrorPresenter
from compat_rest.kernel.replies import Reply
from domain.kernel.errors import DomainError, ErrorCode
from domain.software.links import FileLink, not_good
from domain.software.rules.ranges import Unsatisfiable
from graph.software import resolvers

FOLDER: Final = "/files"


def link_address(base: str, link: FileLink) -> str:
    """`base` is the dialect's own address."""
    return f"{base}{FOLDER}/{link.token}/{link.filename}"


class LinkedFiles:
    """Around a dialect's application."""

    def __init__(self, app: ASGIApp, entry: Entry, errors: ErrorPresenter) -> None:
        self._app = app
        self._entry = entry
        self._errors = errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts = _below(scope) if scope["type"] == "http" else ()
        if len(parts) != 2:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            answer = await self._answer(request, *parts)
        except DomainError as error:
            answer = self._errors.reply(error)
        except Exception as error:  # noqa: BLE001 - logged and masked, as in every route
            answer = self._errors.defect(request.url.path, error)
        await answer(scope, receive, send)

    async def _answer(self, request: Request, token: str, filename: str) -> Response:
        if request.method != "GET":
            return self._refusal(405, ErrorCode.NOT_FOUND, "Method not allowed", {"Allow": "GET"})
        context = await self._entry.context(None)
        headers = request.headers
        try:
            found = await resolvers.download_by_link(
                context, token, headers.get("range"), headers.get("if-range")
            )
        except Unsatisfiable as outside:
            told = {"Content-Range": f"bytes */{outside.size}"}
            return self._refusal(416, ErrorCode.VALIDATION_ERROR, downloads.OUTSIDE, told)
        if found.release.filename != filename:
            raise not_good()
        return await downloads.attached(found)

    def _refusal(
        self, status: int, code: ErrorCode, message: str, headers: dict[str, str]
    ) -> Response:
        return Reply(self._errors.shape(code, message, {}), status, headers)


def _below(scope: Scope) -> tuple[str, ...]:
    """Token and name, where it is the path of a file."""
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    if not path.startswith(FOLDER + "/"):
        return ()
    return tuple(path.removeprefix(FOLDER + "/").split("/"))

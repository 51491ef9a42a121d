"""A bound on request bodies, refused in the dialect's shape before anything reads them."""

from collections.abc import Mapping

from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from compat_rest.kernel.errors import ErrorPresenter
from compat_rest.kernel.replies import Reply
from domain.kernel.errors import ErrorCode

TOO_LARGE = "Request body too large"
DRAINED = 16
"""How many times the usual size is still read of a body that is too large."""
NONE: Mapping[tuple[str, str], int] = {}


class TooLarge(Exception):
    """Raised by `receive` to whoever reads on; the refusal itself is made here."""


class BodyLimit:
    """A declared length is checked at once; a chunked body is counted while it arrives. `larger`
    names the routes, by method and path as routes have it, that take more bytes than the others."""

    def __init__(
        self,
        app: ASGIApp,
        errors: ErrorPresenter,
        max_bytes: int,
        larger: Mapping[tuple[str, str], int] = NONE,
    ) -> None:
        self._app = app
        self._errors = errors
        self._max_bytes = max_bytes
        self._larger = [
            (method, compile_path(path)[0], size) for (method, path), size in larger.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = _declared_length(scope)
        allowed = self._allowed(scope)
        if declared is None:
            await self._counted(scope, receive, send, allowed)
        elif declared > allowed:
            await self._refuse(scope, receive, send, allowed)
        else:
            await self._app(scope, receive, send)

    def _allowed(self, scope: Scope) -> int:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        for method, pattern, size in self._larger:
            if method == scope["method"] and pattern.match(path):
                return size
        return self._max_bytes

    async def _counted(self, scope: Scope, receive: Receive, send: Send, allowed: int) -> None:
        received = 0
        started = ended = False

        async def counting() -> Message:
            nonlocal received, ended
            message = await receive()
            received += len(message.get("body", b""))
            ended = not message.get("more_body", False)
            if received > allowed:
                raise TooLarge
            return message

        async def watching(message: Message) -> None:
            nonlocal started
            # The framework takes the exception above for a malformed body and would say so.
            if started or received <= allowed:
                started = True
                await send(message)

        try:
            await self._app(scope, counting, watching)
        except TooLarge:
            if started:
                raise
        if not started and received > allowed:
            await self._refuse(scope, receive, send, allowed, ended=ended)

    async def _refuse(
        self, scope: Scope, receive: Receive, send: Send, allowed: int, *, ended: bool = False
    ) -> None:
        # Behind a body's end nothing comes but the peer's going.
        if not ended and not _waits_for_leave(scope):
            await self._drain(receive)
        details = {"maxBytes": allowed}
        body = self._errors.shape(ErrorCode.VALIDATION_ERROR, TOO_LARGE, details)
        await Reply(body, 413, {"Connection": "close"})(scope, receive, send)

    async def _drain(self, receive: Receive) -> None:
        """A client that is still sending would lose the answer with the connection."""
        size = 0
        while size <= self._max_bytes * DRAINED:
            message = await receive()
            size += len(message.get("body", b""))
            if message["type"] != "http.request" or not message.get("more_body", False):
                return


def _waits_for_leave(scope: Scope) -> bool:
    return (b"expect", b"100-continue") in scope["headers"]


def _declared_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    chunked = any(name == b"transfer-encoding" for name, _ in scope["headers"])
    return None if chunked else 0

"""How often a caller may call, by kind of call, and what every answer says about it.

Whoever has a token is counted by who they are; whoever has none, or a bad one, by address. Calls
that are refused count as well, whatever for.
"""

from collections import deque
from typing import Final

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from compat_rest.kernel.auth import Entry, bearer_token
from compat_rest.kernel.errors import ErrorPresenter
from compat_rest.valtronics.auth import KNOWN_CALLER
from compat_rest.valtronics.paths import DEVICES, path_of
from domain.kernel.errors import DomainError, RateLimited
from drivers.rates import Rate, Rates, Standing
from graph.context import Context

READS: Final = Rate("valtronics-read", 100)
WRITES: Final = Rate("valtronics-write", 50)
BULK: Final = Rate("valtronics-bulk", 10)
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_BLANK: Final = b" \t\r\n"
_LISTS: Final = (b"[", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00")
"""How a list begins: in UTF-8, or in what else is read as JSON and may be one."""
DESCRIPTION: Final = "/openapi.json"
ONE_DEVICE_BYTES: Final = 128 * 1024
"""More than its metadata and its configuration may have together."""


class Limited:
    """Around a whole dialect: refuses with 429, else lets in and adds three headers."""

    def __init__(self, app: ASGIApp, entry: Entry, rates: Rates, errors: ErrorPresenter) -> None:
        self._app = app
        self._entry = entry
        self._rates = rates
        self._errors = errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or path_of(scope) == DESCRIPTION:
            await self._app(scope, receive, send)
            return
        rate, receive = await _rate_of(scope, receive)
        key = await self._counted_as(scope)
        standing = await self._rates.hit(rate, key)
        if standing is None:
            await self._app(scope, receive, send)
        elif standing.retry_after_s is None:
            await self._app(scope, receive, _telling(send, standing))
        else:
            refused = RateLimited("Rate limit exceeded", retry_after_s=standing.retry_after_s)
            answer = self._errors.reply(refused)
            await answer(scope, receive, _telling(send, standing))

    async def _counted_as(self, scope: Scope) -> str:
        connection = HTTPConnection(scope)
        context = await self._known(connection)
        if context is not None:
            scope[KNOWN_CALLER] = context
            actor = context.actor
            return f"{actor.customer_id}/{actor.kind}/{actor.id}"
        return f"address/{connection.client.host if connection.client else ''}"

    async def _known(self, connection: HTTPConnection) -> Context | None:
        """What is wrong with a token, the dialect says."""
        try:
            token = bearer_token(connection)
            return None if token is None else await self._entry.context(token)
        except DomainError:
            return None


async def _rate_of(scope: Scope, receive: Receive) -> tuple[Rate, Receive]:
    """A list of devices is a bulk operation: known by the first character of the body."""
    if scope["method"] in _READING:
        return READS, receive
    if scope["method"] != "POST" or path_of(scope) != DEVICES:
        return WRITES, receive
    if _is_withheld(scope):
        return BULK, receive
    messages = [await receive()]
    blank = 0
    while not _begun(messages[-1]) and messages[-1].get("more_body", False):
        blank += len(messages[-1].get("body", b""))
        if blank > ONE_DEVICE_BYTES:
            return BULK, _again(messages, receive)
        messages.append(await receive())
    is_list = _begun(messages[-1]).startswith(_LISTS)
    return BULK if is_list else WRITES, _again(messages, receive)


def _begun(message: Message) -> bytes:
    """From the first character on; empty where there is none in it."""
    body: bytes = message.get("body", b"")
    return body.lstrip(_BLANK)


def _is_withheld(scope: Scope) -> bool:
    """Whether a body larger than any one device waits for leave to come: to look at it would be to
    give that leave, before anybody has found it too large."""
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"")
    is_large = length.isdigit() and int(length) > ONE_DEVICE_BYTES
    return is_large and headers.get(b"expect", b"").lower() == b"100-continue"


def _again(messages: list[Message], receive: Receive) -> Receive:
    waiting = deque(messages)

    async def replay() -> Message:
        return waiting.popleft() if waiting else await receive()

    return replay


def _telling(send: Send, standing: Standing) -> Send:
    headers = [
        (b"x-ratelimit-limit", str(standing.limit).encode()),
        (b"x-ratelimit-remaining", str(standing.remaining).encode()),
        (b"x-ratelimit-reset", str(standing.resets_at_s).encode()),
    ]

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *headers]}
        await send(message)

    return told

"""From a request to a Context. A dialect's own way of naming a caller is in its `auth.py`."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, Protocol

from fastapi import Depends
from starlette.datastructures import State
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.kernel.errors import Unauthorized
from graph.context import Context

BEARER: Final = "bearer "
SURFACE: Final = "oktograph.surface"
"""Where a request's scope holds what is the surface's own, see `Surface`."""


class Entry(Protocol):
    """How a face gets its contexts; the composition root makes it."""

    async def context(self, token: str | None) -> Context:
        """Of the token's actor, or of nobody for None. Raises Unauthorized for a bad token."""


class Surface:
    """A dialect as one runtime serves it. The application itself is built once a process and knows
    no runtime; what is this one's own goes with each request."""

    def __init__(self, app: ASGIApp, entry: Entry) -> None:
        self._app = app
        self._state = State({"entry": entry})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[SURFACE] = self._state
        await self._app(scope, receive, send)


def state_of(connection: HTTPConnection) -> State:
    """What the surface keeps between requests."""
    state: State = connection.scope[SURFACE]
    return state


def entry_of(connection: HTTPConnection) -> Entry:
    entry: Entry = state_of(connection).entry
    return entry


def bearer_token(connection: HTTPConnection) -> str | None:
    """From `Authorization: Bearer …`, the scheme in any case (RFC 9110)."""
    value = connection.headers.get("authorization")
    if value is None:
        return None
    if value[:7].lower() != BEARER:
        raise Unauthorized("Invalid or missing token")
    return value[7:].strip()


async def caller(connection: HTTPConnection) -> Context:
    """Whoever sent the token; resolvers decide what they may. Without one the answer is 401 and
    never a word about the body, which FastAPI would judge before a resolver is reached."""
    token = bearer_token(connection)
    if token is None:
        raise Unauthorized("Invalid or missing token")
    return await entry_of(connection).context(token)


async def anyone(connection: HTTPConnection) -> Context:
    """For public routes: a token is not even looked at."""
    return await entry_of(connection).context(None)


Caller = Annotated[Context, Depends(caller)]
Anyone = Annotated[Context, Depends(anyone)]
Authenticate = Callable[[HTTPConnection], Awaitable[Context]]

"""From a request to a Context. A dialect's own way of naming a caller is in its `auth.py`."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, Protocol

from fastapi import Depends
from starlette.requests import HTTPConnection

from domain.kernel.errors import Unauthorized
from graph.context import Context

BEARER: Final = "bearer "


class Entry(Protocol):
    """How a face gets its contexts; the composition root makes it, `app.state.entry` holds it."""

    async def context(self, token: str | None) -> Context:
        """Of the token's actor, or of nobody for None. Raises Unauthorized for a bad token."""


def entry_of(connection: HTTPConnection) -> Entry:
    entry: Entry = connection.app.state.entry
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

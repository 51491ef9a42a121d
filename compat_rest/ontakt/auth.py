"""Who calls OnTakt's API: `X-Auth-Token` holds an API key or the token of a login.

Four levels of access, the highest first: admin, planner, shop, auditor. Whoever lacks the level
for something is told who has it.
"""

from contextvars import ContextVar
from typing import Annotated, Final

from fastapi import Depends
from starlette.requests import HTTPConnection

from compat_rest.kernel.auth import entry_of
from domain.identity.mappings import ontakt_level
from domain.kernel.errors import Forbidden, Unauthorized
from domain.kernel.permissions import Permission
from graph.context import Context
from graph.identity import resolvers

HEADER: Final = "X-Auth-Token"
INVALID: Final = "Invalid or missing X-Auth-Token"
TOO_LOW: Final = "This needs another access level"
NO_LEVEL: Final = "This token has no access level here"
CALLER: Final[ContextVar[Context | None]] = ContextVar("ontakt_caller", default=None)
"""Of the request at hand, for what is offered when it fails. Each runs in a task of its own."""


async def caller(connection: HTTPConnection) -> Context:
    token = connection.headers.get(HEADER)
    if not token:
        raise Unauthorized(INVALID)
    context = await entry_of(connection).context(token.strip())
    CALLER.set(context)
    return context


async def member(connection: HTTPConnection) -> Context:
    """Whoever has a level: no device, and no program with less than an auditor's permissions."""
    context = await caller(connection)
    if ontakt_level(context.actor) is None:
        raise Forbidden(NO_LEVEL)
    return context


async def keeper(connection: HTTPConnection) -> Context:
    return await _holder(connection, Permission.IDENTITY_INSTALLATION_BACKUP)


async def restarter(connection: HTTPConnection) -> Context:
    return await _holder(connection, Permission.IDENTITY_INSTALLATION_RESTART)


async def _holder(connection: HTTPConnection, permission: Permission) -> Context:
    context = await caller(connection)
    if permission in context.actor.permissions:
        return context
    if ontakt_level(context.actor) is None:
        raise Forbidden(NO_LEVEL)
    raise Forbidden(TOO_LOW, allowed=await resolvers.users_allowed(context, permission))


Member = Annotated[Context, Depends(member)]
Keeper = Annotated[Context, Depends(keeper)]
Restarter = Annotated[Context, Depends(restarter)]
"""Whoever may tell the service to restart."""

"""Who calls the orchestrator: whoever has a token, by the scopes that it knows.

Without the scope there is nothing to see, 404; only removing says that it is not allowed, 403.
"""

from typing import Annotated, Final

from fastapi import Depends
from starlette.requests import HTTPConnection

from compat_rest.kernel.auth import caller
from domain.identity.mappings import OTAO, names_held
from domain.kernel.errors import Forbidden, NotFound
from graph.context import Context

READ: Final = "application:software:read"
UPDATE: Final = "application:software:update"
DELETE: Final = "application:software:delete"
ENDPOINT: Final = "endpoint:read"


async def reader(connection: HTTPConnection) -> Context:
    return _seeing(await caller(connection), READ, "Software")


async def updater(connection: HTTPConnection) -> Context:
    return _seeing(await caller(connection), UPDATE, "Software")


async def remover(connection: HTTPConnection) -> Context:
    context = await caller(connection)
    if not _holds(context, DELETE):
        raise Forbidden("Insufficient permissions", required_permission=DELETE)
    return context


async def endpoint_reader(connection: HTTPConnection) -> Context:
    return _seeing(await caller(connection), ENDPOINT, "Endpoint")


def _holds(context: Context, scope: str) -> bool:
    return scope in names_held(OTAO, context.actor.permissions)


def _seeing(context: Context, scope: str, entity: str) -> Context:
    if not _holds(context, scope):
        raise NotFound(entity, "")
    return context


Reader = Annotated[Context, Depends(reader)]
Updater = Annotated[Context, Depends(updater)]
Remover = Annotated[Context, Depends(remover)]
EndpointReader = Annotated[Context, Depends(endpoint_reader)]

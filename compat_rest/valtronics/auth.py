"""Who calls Valtronics' API: whoever has a token, by the two permissions that it knows."""

from typing import Annotated, Final

from fastapi import Depends
from starlette.requests import HTTPConnection

from compat_rest.kernel.auth import caller
from domain.identity.mappings import VALTRONICS, name_needed, names_held
from domain.kernel.errors import Forbidden
from domain.kernel.permissions import Permission
from graph.context import Context

READ: Final = "device:read"
WRITE: Final = "device:write"
KNOWN_CALLER: Final = "valtronics.caller"
"""Where a request's scope holds its caller, once somebody has looked."""
INSUFFICIENT: Final = "Insufficient permissions to access this device"


def name_of(permission: str) -> str:
    """Theirs for one of ours, which is shown as it is where they have none."""
    ours = next((one for one in Permission if one == permission), None)
    return permission if ours is None else name_needed(VALTRONICS, ours) or permission


def require(context: Context, *names: str) -> Context:
    """Raises Forbidden that says what is missing and what is there."""
    permissions = list(names_held(VALTRONICS, context.actor.permissions))
    for name in names:
        if name not in permissions:
            raise Forbidden(INSUFFICIENT, required_permission=name, user_permissions=permissions)
    return context


async def reader(connection: HTTPConnection) -> Context:
    return require(await _known(connection), READ)


async def writer(connection: HTTPConnection) -> Context:
    """Whoever changes a device is also shown it."""
    return require(await _known(connection), WRITE, READ)


async def _known(connection: HTTPConnection) -> Context:
    found: Context | None = connection.scope.get(KNOWN_CALLER)
    return await caller(connection) if found is None else found


Reader = Annotated[Context, Depends(reader)]
Writer = Annotated[Context, Depends(writer)]

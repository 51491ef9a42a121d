"""Who calls the factory: a user, or a device with a token of its own."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from compat_rest.kernel.auth import bearer_token, caller, entry_of
from domain.kernel.actor import ActorKind
from domain.kernel.errors import Forbidden
from domain.kernel.permissions import Permission
from graph.context import Context


async def user(connection: HTTPConnection) -> Context:
    """A user. A device's token opens what `device_or_user` guards, and there its own only."""
    context = await caller(connection)
    if context.actor.kind is ActorKind.DEVICE:
        raise Forbidden("A device's token opens its own things only")
    return context


async def device_or_user(connection: HTTPConnection) -> Context:
    """Resolvers decide what a device may: what is its own."""
    return await caller(connection)


def require(context: Context, *permissions: Permission) -> None:
    """For what is shown when something was changed: whoever may not see it is refused before.
    Raises Forbidden."""
    for permission in permissions:
        context.actor.require(permission)


async def visitor(connection: HTTPConnection) -> Context:
    """Anybody; whoever shows a token is the one whom it names, or refused."""
    return await entry_of(connection).context(bearer_token(connection))


User = Annotated[Context, Depends(user)]
DeviceOrUser = Annotated[Context, Depends(device_or_user)]
Visitor = Annotated[Context, Depends(visitor)]

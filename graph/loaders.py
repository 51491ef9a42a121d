"""How every loader is made: once a call, one statement a level, its permission asked for first."""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import TypeVar

from strawberry.dataloader import DataLoader

from domain.kernel.database import ReadSession
from domain.kernel.permissions import Permission
from graph.context import Context

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Fetch = Callable[[ReadSession, int, Sequence[K]], Awaitable[Mapping[K, V]]]


def loader(
    context: Context, name: str, permission: Permission, fetch: Fetch[K, V]
) -> DataLoader[K, V | None]:
    """The call's loader of that name. `fetch` gets a session, the customer and all keys."""
    context.actor.require(permission)
    found: DataLoader[K, V | None] | None = context.loaders.get(name)
    if found is None:

        async def load(keys: list[K]) -> list[V | None]:
            async with context.read() as session:
                rows = await fetch(session, context.customer_id, keys)
            return [rows.get(key) for key in keys]

        found = context.loaders[name] = DataLoader(load_fn=load)
    return found

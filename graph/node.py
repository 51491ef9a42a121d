"""`node(id)`: a global id back to its object."""

from collections.abc import Awaitable, Callable, Mapping

import strawberry

from graph.context import Context
from graph.identity import resolvers as identity
from graph.identity.types import user_type
from graph.info import Info
from graph.journal import resolvers as journal
from graph.journal.types import event_type
from graph.pagination import Node, split_global_id
from graph.production import resolvers as production
from graph.production.trace_types import trace_event_type
from graph.production.types import batch_type, bottle_type, pallet_type, scan_type


async def _bottle(context: Context, key: str) -> Node | None:
    row = await production.bottle(context, key)
    return None if row is None else bottle_type(row)


async def _batch(context: Context, key: str) -> Node | None:
    row = await production.batch(context, key)
    return None if row is None else batch_type(row)


async def _pallet(context: Context, key: str) -> Node | None:
    row = await production.pallet(context, key)
    return None if row is None else pallet_type(row)


async def _scan(context: Context, key: str) -> Node | None:
    row = (await production.scans_by_ids(context, [key])).get(key)
    return None if row is None else scan_type(row)


async def _trace_event(context: Context, key: str) -> Node | None:
    row = await production.trace_event(context, key)
    return None if row is None else trace_event_type(row)


async def _event(context: Context, key: str) -> Node | None:
    row = await journal.event(context, key)
    return None if row is None else event_type(row)


async def _user(context: Context, key: str) -> Node | None:
    row = await identity.user(context, key)
    return None if row is None else user_type(row)


_FINDERS: Mapping[str, Callable[[Context, str], Awaitable[Node | None]]] = {
    "Batch": _batch,
    "Bottle": _bottle,
    "Event": _event,
    "Pallet": _pallet,
    "Scan": _scan,
    "TraceEvent": _trace_event,
    "User": _user,
}


@strawberry.type
class NodeQuery:
    @strawberry.field(description="Anything by its global id; null for what is not there")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        parts = split_global_id(id)
        finder = _FINDERS.get(parts[0]) if parts is not None else None
        if finder is None or parts is None:
            info.context.actor.require_known()
            return None
        return await finder(info.context, parts[1])

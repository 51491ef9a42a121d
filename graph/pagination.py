"""Relay: global ids, connections, and the node interface."""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import strawberry

from domain.kernel.ids import NOTHING, is_id
from domain.kernel.paging import Page, PageRequest, page_request
from graph.context import Context
from graph.info import Info

T = TypeVar("T")
Row = TypeVar("Row")
Wanted = TypeVar("Wanted")
Wanted_co = TypeVar("Wanted_co", covariant=True)


def global_id(type_name: str, key: str) -> strawberry.ID:
    """What `node(id)` takes: the type's name and the plain id, in base64."""
    return strawberry.ID(b64encode(f"{type_name}:{key}".encode()).decode())


def split_global_id(value: str) -> tuple[str, str] | None:
    """The type's name and the plain id, or None for anything else."""
    try:
        name, colon, key = b64decode(value, validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return (name, key) if colon and name.isidentifier() else None


def plain_id(value: str, type_name: str) -> str:
    """By-id arguments take a global id of their type or the plain id that the dialects show."""
    parts = split_global_id(value)
    return parts[1] if parts is not None and parts[0] == type_name else value


def filter_id(value: str | None, type_name: str) -> str | None:
    """As `plain_id`, for a filter: what can be no id matches nothing."""
    if value is None:
        return None
    key = plain_id(value, type_name)
    return key if is_id(key) else NOTHING


@strawberry.interface(description="Anything that `node(id)` finds again")
class Node:
    id: strawberry.ID


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Edge(Generic[T]):
    cursor: str
    node: T


@strawberry.type
class Connection(Generic[T]):
    """A window on a list, newest first."""

    edges: list[Edge[T]]
    page_info: PageInfo
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="Counted only when asked for")
    async def total_count(self) -> int:
        return await self.count()


def connection(
    page: Page[Any], build: Callable[[Any], T], count: Callable[[], Awaitable[int]]
) -> Connection[T]:
    """`build` makes the type of a row; a row's `id` is its cursor."""
    edges = [Edge(cursor=row.id, node=build(row)) for row in page.rows]
    info = PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, page_info=info, count=count)


class FilterInput(Protocol[Wanted_co]):
    """An input type of filters; `wanted()` makes what resolvers take."""

    def wanted(self) -> Wanted_co: ...


def list_field(
    node: type[T],
    filter_input: type[FilterInput[Wanted]],
    everything: Wanted,
    fetch: Callable[[Context, Wanted, PageRequest], Awaitable[Page[Any]]],
    count: Callable[[Context, Wanted], Awaitable[int]],
    build: Callable[[Any], T],
    description: str,
) -> Any:
    """A root field that lists `node`: Relay's four arguments, a typed filter, a connection.
    `everything` is the filter of those who give none."""

    async def resolve(
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: Any = None,
    ) -> Any:
        wanted = filter.wanted() if filter else everything
        page = await fetch(info.context, wanted, page_request(first, after, last, before))
        return connection(page, build, partial(count, info.context, wanted))

    resolve.__annotations__ |= {"filter": filter_input | None, "return": Connection[node]}  # type: ignore[valid-type]
    return strawberry.field(resolver=resolve, description=description)


def unfiltered_list_field(
    node: type[T],
    fetch: Callable[[Context, PageRequest], Awaitable[Page[Any]]],
    count: Callable[[Context], Awaitable[int]],
    build: Callable[[Any], T],
    description: str,
) -> Any:
    """A `list_field` of what is never so many that it needs a filter."""

    async def resolve(
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Any:
        page = await fetch(info.context, page_request(first, after, last, before))
        return connection(page, build, partial(count, info.context))

    resolve.__annotations__ |= {"return": Connection[node]}  # type: ignore[valid-type]
    return strawberry.field(resolver=resolve, description=description)


def found(row: Row | None, build: Callable[[Row], T]) -> T | None:
    """A single object that does not exist is null."""
    return None if row is None else build(row)

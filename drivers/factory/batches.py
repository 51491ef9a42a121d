"""Batches that this edge's factory knows, read with the edge's own token."""

import asyncio
from base64 import b64decode
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from domain.kernel.errors import (
    Conflict,
    Forbidden,
    NotFound,
    TimedOut,
    UpstreamFailed,
    ValidationFailed,
)
from domain.kernel.ids import is_id
from domain.production.models import BottleStatus
from domain.production.ports import SourcedBatch, SourcedBottle
from drivers.factory.graph import FactoryGraph
from drivers.factory.sync_target import FACTORY
from drivers.upstream.answers import nonsense

CONTENT: Final = """query ($identifier: String!, $first: Int!, $after: String) {
  batchContent(identifier: $identifier) {
    batch { id identifier name lineId }
    bottles(first: $first, after: $after) {
      edges { node { id gtin serial status } }
      pageInfo { hasNextPage endCursor } } } }"""
PAGE: Final = 500
DEADLINE_S: Final = 60.0
# A million codes: more than any buffer is for, and an end for a factory that never comes to one.
MOST_PAGES: Final = 2_000
_REFUSALS: Final = (Conflict, Forbidden, NotFound, ValidationFailed)


class FactoryBatches:
    """A `BatchSource`. The factory answers for the customer that the token is of."""

    def __init__(
        self, graph: FactoryGraph, *, page: int = PAGE, deadline_s: float = DEADLINE_S
    ) -> None:
        self._graph = graph
        self._page = page
        self._deadline_s = deadline_s

    async def find(self, customer_id: int, key: str) -> SourcedBatch | None:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._whole(key)
        except TimeoutError:
            message = "The factory did not tell the whole batch in time"
            raise TimedOut(message, upstream=FACTORY.name) from None

    async def _whole(self, key: str) -> SourcedBatch | None:
        """Page by page. From the second on by its id: meanwhile another batch may have come to
        bear the number."""
        content = await self._content(key, None)
        if content is None:
            return None
        batch, found = content.batch, content.sourced()
        for _ in range(MOST_PAGES):
            after = content.bottles.next_after
            if after is None:
                return SourcedBatch(batch.id, batch.identifier, batch.name, batch.line_id, found)
            more = await self._content(batch.id, after)
            if more is None or more.batch.id != batch.id:
                break
            content = more
            found += content.sourced()
        raise nonsense(FACTORY, 200)

    async def _content(self, key: str, after: str | None) -> "_Content | None":
        variables = {"identifier": key, "first": self._page, "after": after}
        try:
            data = await self._graph.ask(CONTENT, variables)
        except _REFUSALS as refused:
            # Of the edge by the factory, which is no fault of whoever asked the edge.
            raise UpstreamFailed(
                "The factory does not tell what is in a batch",
                upstream=FACTORY.name,
                reason=refused.message,
            ) from None
        content = data.get("batchContent")
        return None if content is None else _read(content)


def _read(content: Any) -> "_Content":
    try:
        return _Content.model_validate(content)
    except ValidationError:
        raise nonsense(FACTORY, 200) from None


def _plain_id(value: Any) -> str:
    """Of a global id. Raises ValueError."""
    key = b64decode(str(value), validate=True).decode("ascii").rpartition(":")[2]
    if not is_id(key):
        raise ValueError("names nothing")
    return key


def _status(value: Any) -> BottleStatus:
    """By its name. Raises ValueError."""
    found = BottleStatus.__members__.get(str(value))
    if found is None:
        raise ValueError("no status of a bottle")
    return found


_Id = Annotated[str, BeforeValidator(_plain_id)]
_Text = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^\x00]+$")]


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, strict=True)


class _Batch(_Answer):
    id: _Id
    identifier: _Text
    name: Annotated[str, Field(max_length=512, pattern=r"^[^\x00]*$")]
    line_id: _Text | None


class _Bottle(_Answer):
    id: _Id
    gtin: Annotated[str, Field(pattern=r"^[0-9]{1,14}$")]
    serial: _Text
    status: Annotated[BottleStatus, BeforeValidator(_status)]


class _Edge(_Answer):
    node: _Bottle


class _PageInfo(_Answer):
    has_next_page: bool
    end_cursor: str | None


class _Page(_Answer):
    edges: list[_Edge]
    page_info: _PageInfo

    @property
    def next_after(self) -> str | None:
        """The cursor of the next page, None behind the last one."""
        return self.page_info.end_cursor if self.page_info.has_next_page else None


class _Content(_Answer):
    batch: _Batch
    bottles: _Page

    def sourced(self) -> list[SourcedBottle]:
        nodes = (edge.node for edge in self.bottles.edges)
        return [SourcedBottle(one.id, one.gtin, one.serial, one.status) for one in nodes]

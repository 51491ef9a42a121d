"""Plain attributes are read directly; what is wrong with them is told as ever."""

import asyncio
from collections.abc import Callable
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry

from domain.kernel.actor import ANONYMOUS
from graph.documents import DocumentStore
from graph.execution import Engine, GraphQLRequest


@strawberry.enum
class Colour(Enum):
    RED = 1


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Cap(Named):
    weight_g: int


@strawberry.type
class Bottle(Named):
    colour: Colour
    note: str | None
    cap: Cap | None

    @strawberry.field
    async def slow(self) -> str:
        await asyncio.sleep(0)
        return "slow"


def _bottle(**other: Any) -> Bottle:
    given: dict[str, Any] = {"name": "b", "colour": Colour.RED, "note": None, "cap": None}
    return Bottle(**given | other)


SHELF: dict[str, Callable[[], Bottle]] = {
    "good": lambda: _bottle(note="n", cap=Cap(name="c", weight_g=3)),
    "nulls": _bottle,
    "no_name": lambda: _bottle(name=None),
    "wrong_weight": lambda: _bottle(cap=Cap(name="c", weight_g="heavy")),  # type: ignore[arg-type]
    "wrong_colour": lambda: _bottle(colour="green"),
}


@strawberry.type
class Query:
    @strawberry.field
    def bottle(self, key: str) -> Bottle | None:
        return SHELF[key]()

    @strawberry.field
    def named(self) -> list[Named]:
        return [_bottle(), Cap(name="c", weight_g=1)]


SCHEMA = strawberry.Schema(query=Query, types=[Bottle, Cap])
FIELDS = "slow again: name colour cap { weightG name ... on Named { other: name } } note __typename"
DOCUMENTS = [f'{{ bottle(key: "{key}") {{ {FIELDS} }} }}' for key in SHELF] + [
    "{ named { name ... on Cap { weightG } ... on Bottle { name note } } }",
]


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_the_same_as_strawberry(document: str) -> None:
    """The same values in the same order, and the same errors at the same places."""
    expected = await SCHEMA.execute(document)
    engine = Engine(SCHEMA, DocumentStore(SCHEMA._schema), SimpleNamespace())  # type: ignore[arg-type]
    context: Any = SimpleNamespace(actor=ANONYMOUS, correlation_id="", expires_at_us=None)
    for _ in range(2):  # the second finds its fields remembered
        result = await engine.execute(GraphQLRequest(document), context)
        assert str(result["data"]) == str(expected.data)
        paths = [error["path"] for error in result.get("errors", ())]
        assert paths == [error.path for error in expected.errors or ()]

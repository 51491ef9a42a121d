"""Input types that were taken apart once are built as Strawberry would build them."""

from enum import Enum

import strawberry
from strawberry.types.base import get_object_definition

from graph.input_types import prepare_input_types


@strawberry.enum
class Colour(Enum):
    RED = 1
    BLUE = 2


@strawberry.input
class Cap:
    colour_name: Colour
    weight_g: int | None = None


@strawberry.input
class Bottle:
    code: str
    line_id: str | None
    cap: Cap
    spare_caps: list[Cap] = strawberry.field(default_factory=list)
    labels: list[str] | None = None
    volume_ml: int = 500
    shown_as: str | None = strawberry.field(name="alias", default=None)


@strawberry.type
class Query:
    @strawberry.field
    def echo(self, bottle: Bottle) -> str:
        return repr(bottle)


DOCUMENT = "query Echo($bottle: Bottle!) { echo(bottle: $bottle) }"
CAP = {"colourName": "RED"}
GIVEN = (
    {"code": "1", "cap": CAP},
    {"code": "1", "cap": CAP | {"weightG": 3}, "lineId": "L", "alias": "A", "volumeMl": 7},
    {"code": "1", "cap": CAP, "spareCaps": [CAP, CAP | {"weightG": None}], "labels": ["x", "y"]},
    {"code": "1", "cap": CAP, "lineId": None, "labels": None},
)


def _echoed(schema: strawberry.Schema) -> list[object]:
    return [schema.execute_sync(DOCUMENT, {"bottle": one}).data for one in GIVEN]


def test_builds_the_same() -> None:
    schema = strawberry.Schema(query=Query)
    before = _echoed(schema)
    prepare_input_types(schema)
    definition = get_object_definition(Bottle, strict=True)
    assert definition.from_input is not None
    assert _echoed(schema) == before
    assert "None" in str(before[0]), "what was left out is None"

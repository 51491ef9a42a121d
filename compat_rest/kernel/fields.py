"""Types of request bodies that mean what JSON Schema means by them."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from domain.kernel.clock import parse_iso


def _integer(value: Any) -> Any:
    """3.0 is an integer in JSON Schema; `true` and "3" are not."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be an integer")
    return value


def _moment(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("must be an ISO 8601 time")
    return parse_iso(value)


PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
"""What a label may hold; PostgreSQL takes no NUL at all."""
INTEGRAL = BeforeValidator(_integer)
"""Goes last, `Annotated[int, Field(ge=0), INTEGRAL]`: before the Field, the bounds would be missing
from the OpenAPI document."""
Moment = Annotated[
    int,
    Field(json_schema_extra={"type": "string", "format": "date-time"}),
    BeforeValidator(_moment),
    PlainSerializer(str),
]
"""An ISO 8601 time with a zone in the document, microseconds inside."""


TRUE_WORDS = frozenset({"1", "true", "on", "yes", "y", "checked"})


def _flag(value: Any) -> Any:
    return value.strip().lower() in TRUE_WORDS if isinstance(value, str) else value


Flag = Annotated[
    bool,
    Field(json_schema_extra={"type": "string", "examples": ["true", "false"]}),
    BeforeValidator(_flag),
]
"""A query parameter that forms send: one of the words is true, whatever else is false."""


def _as_javascript(value: Any) -> Any:
    """JSON's integers have no bounds and ours have 64 bits: beyond them a number is a double, as
    it is for every client in JavaScript."""
    if isinstance(value, dict):
        return {key: _as_javascript(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_as_javascript(one) for one in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        try:
            return float(value)
        except OverflowError as error:
            raise ValueError("holds a number that is no number any more") from error
    return value


JsonDocument = Annotated[Any, AfterValidator(_as_javascript)]
"""Any JSON at all."""
JsonObject = Annotated[dict[str, Any], AfterValidator(_as_javascript)]


def without_titles(schema: dict[str, Any]) -> None:
    """pydantic would call `batchId` "Batchid"; the name says it better."""
    for field in schema.get("properties", {}).values():
        field.pop("title", None)


class Body(BaseModel):
    """camelCase outside; unknown fields are ignored, as the old systems did."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        strict=True,
        json_schema_extra=without_titles,
    )

"""What bodies of Insight's API have in common."""

from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from compat_rest.kernel.fields import without_titles

T = TypeVar("T")
Uuid = Annotated[str, Field(json_schema_extra={"format": "uuid"})]


def without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


class Shown(BaseModel):
    model_config = ConfigDict(json_schema_extra=without_titles)


class Given(BaseModel):
    """Unknown fields are ignored."""

    model_config = ConfigDict(strict=True, json_schema_extra=without_titles)


class Links(Shown):
    next: Annotated[str | SkipJsonSchema[None], Field(json_schema_extra=without_default)] = None


class UsedFilter(Shown):
    name: str
    value: str | int


class Metadata(Shown):
    description: str
    size: int
    filters: list[UsedFilter]


class Page(Shown, Generic[T]):
    """`links` has no `next` on the last page."""

    items: list[T]
    links: Links
    metadata: Metadata

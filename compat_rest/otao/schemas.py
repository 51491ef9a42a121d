"""Bodies of the orchestrator's API, field by field as its clients have them."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from compat_rest.kernel.fields import Body, JsonDocument, Moment, without_titles
from domain.software.commands import MAX_TARGETING, FilterName

Strategy = Literal["suspended", "targeted", "general"]
OtherVersion = Annotated[str, Field(pattern=r"^[!-~]{1,64}$")]
MAX_PATHS: Final = 1_000


class Filter(Body):
    """From `rolloutDate` on, or at once."""

    filter_id: FilterName
    rollout_date: Moment | None = None


class Changes(Body):
    """Instead of what there was: what is left out is empty afterwards."""

    metadata: JsonDocument | None = None
    upgradable_from: Annotated[list[OtherVersion], Field(max_length=MAX_PATHS)] | None = None
    rollout_strategy: Strategy
    filters: Annotated[list[Filter], Field(max_length=MAX_TARGETING)] | None = None
    skip_dispatching_to_endpoint: bool | None = None


class NewSoftware(Changes):
    """`specification` is what endpoints are sent; it stays as it is made."""

    specification: JsonDocument | None = None


class Shown(BaseModel):
    model_config = ConfigDict(json_schema_extra=without_titles)


def _optional(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


class ShownFilter(Shown):
    filterId: str  # noqa: N815 - as it is called there
    rolloutDate: Annotated[  # noqa: N815
        str | SkipJsonSchema[None],
        Field(json_schema_extra=lambda schema: schema.update({"format": "date-time"})),
    ] = None


class Software(Shown):
    """What was never given is not shown: specification, metadata, filename."""

    appName: str  # noqa: N815
    version: str
    specification: Annotated[Any, Field(json_schema_extra=_optional)] = None
    metadata: Annotated[Any, Field(json_schema_extra=_optional)] = None
    upgradableFrom: list[str]  # noqa: N815
    rolloutStrategy: Strategy  # noqa: N815
    filters: list[ShownFilter]
    skipDispatchingToEndpoint: Annotated[  # noqa: N815
        Literal[True] | SkipJsonSchema[None], Field(json_schema_extra=_optional)
    ] = None
    filename: Annotated[str | SkipJsonSchema[None], Field(json_schema_extra=_optional)] = None


class Link(Shown):
    link: Annotated[str, Field(json_schema_extra={"format": "uri"})]

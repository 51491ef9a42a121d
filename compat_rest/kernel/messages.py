"""What every WebSocket of the old systems says and hears, as models: its documentation, and what
tests hold real messages to."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from compat_rest.kernel.fields import without_titles


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


class StreamMessage(BaseModel):
    """Sent by the service. Each has a `type` and its `data`; `cursor` only where `?after=` was
    given, and then always: give the last one back to go on from there."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=without_titles)

    cursor: Annotated[str | SkipJsonSchema[None], Field(json_schema_extra=_without_default)] = None


class FirstMessage(BaseModel):
    """What a client says first if its token is neither in the URL nor a subprotocol."""

    model_config = ConfigDict(json_schema_extra=without_titles)

    token: str

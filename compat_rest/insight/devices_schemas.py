"""Bodies of the scanners that people wear, which Insight calls devices."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from compat_rest.insight.schemas import Given, Shown, without_default

Status = Literal["ACTIVE", "INACTIVE"]


class DeviceBody(Given):
    status: Status


class Device(Shown):
    """`id` is its serial number. Times in milliseconds since the epoch, 0 for what has not been
    yet. `battery` is missing while it is not known."""

    id: str
    class_: Annotated[Literal["device"], Field(alias="class")]
    created: int
    last_activity_time: int
    last_updated: int
    battery: Annotated[int | SkipJsonSchema[None], Field(json_schema_extra=without_default)] = None
    firmware: str
    model: str
    manufacturer: str
    status: Status

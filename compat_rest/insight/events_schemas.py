"""Bodies of events and their export."""

from typing import Annotated, Final, Literal

from fastapi import Query
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from compat_rest.insight.schemas import Shown, Uuid, without_default

LAST_MILLIS: Final = 253_402_300_799_999
"""The end of the year 9999."""
Millis = Annotated[int, Query(ge=0, le=LAST_MILLIS, description="Since the epoch, UTC")]
_absent: Final = Field(json_schema_extra=without_default)
MaybeText = Annotated[str | SkipJsonSchema[None], _absent]
MaybeNumber = Annotated[float | SkipJsonSchema[None], _absent]
MaybeCount = Annotated[int | SkipJsonSchema[None], _absent]


class Event(Shown):
    """A scan. `created` is in seconds. What only gateways tell is left out where it was not told,
    and of scans that came another way."""

    model_config = Shown.model_config | {"populate_by_name": True}

    id: Uuid
    class_: Annotated[Literal["event"], Field(alias="class")]
    type: Literal["scan"]
    created: int
    scan_code: str
    scan_duration: MaybeNumber = None
    scan_decode_symbology: MaybeText = None
    device_id: MaybeText = None
    device_battery: MaybeCount = None
    device_firmware: MaybeText = None
    device_temperature: MaybeNumber = None
    gateway_id: MaybeText = None
    gateway_usecase: MaybeText = None
    gateway_station: MaybeText = None
    metrics_worker_steps: MaybeCount = None


class ExportLink(Shown):
    """Good for five minutes, for whoever has it."""

    download_link: str


class ExportRequested(Shown):
    """`requested` is in UTC and does not say so."""

    task: Uuid
    requested: str


class ExportState(Shown):
    """`download_link` is there where there is a file, is good for five minutes, and is another one
    each time."""

    task: Uuid
    completed: bool
    status: Literal["SUCCESSFUL", "FAILED", "PENDING"]
    download_link: MaybeText = None

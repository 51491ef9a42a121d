"""Query parameters and paths that several routes share."""

from typing import Annotated, Final, Literal

from fastapi import Path, Query
from starlette.convertors import StringConvertor, register_url_convertor

from compat_rest.kernel.fields import PRINTABLE
from compat_rest.valtronics.paths import DEVICES


class _DeviceKey(StringConvertor):
    """Whatever stands where a device's number is expected, but for the words that are paths of
    their own: another method than theirs is refused for what it is, not for a number that is
    none."""

    regex = "(?!(?:stats|status)(?:/|$))[^/]+"


register_url_convertor("device_key", _DeviceKey())
ONE_DEVICE: Final = DEVICES + "{device_id:device_key}"
MAX_PAGE: Final = 1_000_000
PageNumber = Annotated[int, Query(ge=1, le=MAX_PAGE, description="From 1")]
PageSize = Annotated[int, Query(ge=1, le=100, description="Items a page")]
DeviceNumber = Annotated[int, Path(description="The device's number")]
Text = Annotated[str | None, Query(min_length=1, max_length=128, pattern=PRINTABLE)]
Order = Literal["asc", "desc"]
GroupBy = Literal["device_type", "location", "manufacturer", "status"]
SortField = Literal[
    "id",
    "name",
    "device_id",
    "device_type",
    "manufacturer",
    "model",
    "firmware_version",
    "location",
    "status",
    "is_active",
    "created_at",
    "updated_at",
    "last_seen",
]
COLUMNS: Final[dict[str, str]] = {
    "id": "number",
    "device_id": "identifier",
    "device_type": "kind",
    "is_active": "enabled",
    "created_at": "created_at_us",
    "updated_at": "updated_at_us",
    "last_seen": "last_seen_at_us",
}
"""What a list is sorted by is called, where the fleet calls it otherwise."""

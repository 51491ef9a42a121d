"""The body of a delivery, described: `domain.sync.wire` reads it, column by column, without a
model a row. What it does not know it ignores."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from compat_rest.kernel.fields import without_titles
from compat_rest.kernel.okto.schemas import Answer, Time
from domain.kernel.ids import PLAIN
from domain.production.models import BottleStatus
from domain.sync.incoming import MAX_CODE, MAX_LABEL, MAX_VERSION
from domain.sync.wire import MAX_COUNT, MAX_ITEMS

TEXT: Final = r"^[^\x00]+$"
Id = Annotated[str, Field(pattern=f"^{PLAIN.pattern}$")]
Label = Annotated[str, Field(min_length=1, max_length=MAX_LABEL, pattern=TEXT)]
Code = Annotated[str, Field(min_length=1, max_length=MAX_CODE, pattern=TEXT)]
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
Status = Literal["in_progress", "complete", "disaggregated"]


class _Item(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, json_schema_extra=without_titles)

    id: Id
    version: Annotated[int, Field(ge=0, le=MAX_VERSION)]
    identifier: Code
    created_at: Time
    updated_at: Time
    production_line_id: Label | None = None
    device_id: Label | None = None


class _Bottle(_Item):
    status: Annotated[int, Field(ge=0, le=max(BottleStatus))]
    gtin: Annotated[str, Field(min_length=1, max_length=14, pattern=TEXT)]
    serial: Code
    product_id: Label | None = None
    party: Label | None = None
    batch_id: Id | None = None
    is_preprint: bool | None = None


class _Aggregate(_Item):
    status: Status
    name: Label | None = None
    completed_at: Time | None = None


class _Batch(_Aggregate):
    bottle_count: Count
    batch_size: Count | None = None
    product_id: Label | None = None
    party: Label | None = None
    pallet_id: Id | None = None


class _Pallet(_Aggregate):
    batch_count: Count
    sscc: Annotated[str, Field(min_length=1, max_length=18, pattern=TEXT)]


def _items(model: type[BaseModel]) -> dict[str, Any]:
    items = model.model_json_schema()
    items.pop("title")
    return {"anyOf": [{"type": "array", "items": items}, {"type": "null"}]}


DELIVERY: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Delivery",
    "description": f"Together at most {MAX_ITEMS} items, each id once. May be gzipped.",
    "required": ["deviceId"],
    "properties": {
        "deviceId": {"type": "string", "minLength": 1, "maxLength": MAX_LABEL, "pattern": TEXT},
        "bottles": _items(_Bottle),
        "batches": _items(_Batch),
        "pallets": _items(_Pallet),
    },
}


class Rejected(Answer):
    """`reason` is for machines, as DUPLICATE_IDENTIFIER."""

    id: str
    reason: str


class Receipt(Answer):
    """What was accepted need not be sent again; what was rejected is named."""

    accepted: int
    rejected: list[Rejected]

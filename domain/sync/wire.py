"""The body of `POST /api/v1/sync`, read: `{deviceId, bottles, batches, pallets}`.

Names are those of the documented items (`identifier`, `gtin`, `productionLineId`, `party`,
`status`, `createdAt`, …) with `id`, `version` and `batchId`, `palletId` beside them. Column by
column and without a model a row: a thousand bottles take some milliseconds. What is not known is
ignored, so that a newer edge may say more than this factory understands.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, TypeVar

import orjson

from domain.kernel.errors import ValidationFailed
from domain.kernel.ids import is_id
from domain.kernel.text import is_storable
from domain.production.models import AggregateStatus, BottleStatus
from domain.sync.incoming import MAX_CODE, MAX_LABEL, MAX_VERSION
from domain.sync.ports import BatchState, BottleState, PalletState, SyncBatch

MAX_ITEMS: Final = 10_000
MAX_COUNT: Final = 2**31 - 1
# A body up to this is read on the loop: a thread costs more.
READ_AT_ONCE_BYTES: Final = 32 * 1024
State = TypeVar("State", BottleState, BatchState, PalletState)
Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came, and from which edge by its own word."""

    device_id: str
    batch: SyncBatch


@dataclass(frozen=True, slots=True)
class Column:
    """`read` makes the value or raises ValueError with the reason; null only where not needed."""

    key: str
    name: str
    read: Read
    needed: bool = False


async def read_delivery(body: bytes, idempotency_key: str | None = None) -> Delivery:
    """As `parse_delivery`, off the loop where it takes long."""
    if len(body) <= READ_AT_ONCE_BYTES:
        return parse_delivery(body, idempotency_key)
    return await asyncio.to_thread(parse_delivery, body, idempotency_key)


def parse_delivery(body: bytes, idempotency_key: str | None = None) -> Delivery:
    """Raises ValidationFailed that names the field (`bottles.3.createdAt`). Without a key, the
    body's digest is one."""
    try:
        frame = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ValidationFailed("body", "not JSON") from None
    if not isinstance(frame, dict):
        raise ValidationFailed("body", "not an object")
    lists = {name: _list(frame, name) for name in ("bottles", "batches", "pallets")}
    if sum(map(len, lists.values())) > MAX_ITEMS:
        raise ValidationFailed("body", f"more than {MAX_ITEMS} items")
    batch = SyncBatch(
        idempotency_key=idempotency_key or sha256(body).hexdigest(),
        bottles=_states(BottleState, "bottles", lists["bottles"], BOTTLE),
        batches=_states(BatchState, "batches", lists["batches"], BATCH),
        pallets=_states(PalletState, "pallets", lists["pallets"], PALLET),
    )
    return Delivery(_device(frame), batch)


def _device(frame: Mapping[str, Any]) -> str:
    try:
        return str(_label(frame.get("deviceId")))
    except ValueError as error:
        raise ValidationFailed("deviceId", _reason(frame.get("deviceId"), error)) from None


def _list(frame: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    items = frame.get(name)
    if items is None:
        return []
    if not isinstance(items, list):
        raise ValidationFailed(name, "must be a list")
    for place, item in enumerate(items):
        if type(item) is not dict:
            raise ValidationFailed(f"{name}.{place}", "must be an object")
    return items


def _states(
    kind: type[State], name: str, items: Sequence[dict[str, Any]], columns: Sequence[Column]
) -> tuple[State, ...]:
    if not items:
        return ()
    values = [_values(name, items, column) for column in columns]
    names = [column.name for column in columns]
    return tuple(kind(**dict(zip(names, row, strict=True))) for row in zip(*values, strict=True))


def _values(name: str, items: Sequence[dict[str, Any]], column: Column) -> list[Any]:
    key, read = column.key, column.read
    raw = [item.get(key) for item in items]
    try:
        if column.needed:
            return list(map(read, raw))
        return [None if value is None else read(value) for value in raw]
    except ValueError:
        raise _first_wrong(name, raw, column) from None


def _first_wrong(name: str, raw: Sequence[Any], column: Column) -> ValidationFailed:
    for place, value in enumerate(raw):
        try:
            if column.needed or value is not None:
                column.read(value)
        except ValueError as error:
            return ValidationFailed(f"{name}.{place}.{column.key}", _reason(value, error))
    raise AssertionError("a value was wrong and is no longer")


def _reason(value: object, error: ValueError) -> str:
    return "Required field missing" if value is None else str(error)


def _id(value: Any) -> str:
    if type(value) is str and is_id(value):
        return value
    raise ValueError("must be 32 lower-case hexadecimal digits")


def _text(longest: int) -> Read:
    def read(value: Any) -> str:
        if type(value) is str and 0 < len(value) <= longest and is_storable(value):
            return value
        raise ValueError(f"must be a text of 1 to {longest} characters that can be stored")

    return read


def _whole(most: int) -> Read:
    def read(value: Any) -> int:
        if type(value) is int and 0 <= value <= most:
            return value
        # 3.0 is a whole number to JSON Schema.
        if type(value) is float and value.is_integer() and 0 <= value <= most:
            return int(value)
        raise ValueError(f"must be a whole number from 0 to {most}")

    return read


def _aggregate_status(value: Any) -> str:
    if type(value) is str and value in _STATUSES:
        return value
    raise ValueError(f"must be one of {', '.join(sorted(_STATUSES))}")


def _time(value: Any) -> datetime:
    if type(value) is str and len(value) <= MAX_TIME:
        with contextlib.suppress(ValueError):
            found = datetime.fromisoformat(value)
            if found.tzinfo is not None:
                return found
    raise ValueError("must be an ISO 8601 time with a zone")


def _flag(value: Any) -> bool:
    if value is None:
        return False
    if type(value) is bool:
        return value
    raise ValueError("must be true or false")


MAX_TIME: Final = 40
_STATUSES: Final = frozenset(str(status) for status in AggregateStatus)
_label: Final = _text(MAX_LABEL)
_code: Final = _text(MAX_CODE)
_count: Final = _whole(MAX_COUNT)
_COMMON: Final = (
    Column("id", "id", _id, needed=True),
    Column("version", "version", _whole(MAX_VERSION), needed=True),
    Column("identifier", "identifier", _code, needed=True),
    Column("createdAt", "created_at", _time, needed=True),
    Column("updatedAt", "updated_at", _time, needed=True),
    Column("productionLineId", "production_line_id", _label),
    Column("deviceId", "device_id", _label),
)
BOTTLE: Final = (
    *_COMMON,
    Column("status", "status", _whole(max(BottleStatus)), needed=True),
    Column("gtin", "gtin", _text(14), needed=True),
    Column("serial", "serial", _code, needed=True),
    Column("productId", "product_id", _label),
    Column("party", "party", _label),
    Column("batchId", "batch_id", _id),
    Column("isPreprint", "is_preprint", _flag, needed=True),
)
_AGGREGATE: Final = (
    *_COMMON,
    Column("status", "status", _aggregate_status, needed=True),
    Column("name", "name", _label),
    Column("completedAt", "completed_at", _time),
)
BATCH: Final = (
    *_AGGREGATE,
    Column("bottleCount", "bottle_count", _count, needed=True),
    Column("batchSize", "batch_size", _count),
    Column("productId", "product_id", _label),
    Column("party", "party", _label),
    Column("palletId", "pallet_id", _id),
)
PALLET: Final = (
    *_AGGREGATE,
    Column("batchCount", "batch_count", _count, needed=True),
    Column("sscc", "sscc", _text(18), needed=True),
)

"""JSON between edge, factory and cloud: camelCase keys, ISO 8601 times in UTC, the envelope
`{success, data | error}`.

A field `expires_at_us` travels as `expiresAt`; the other names only change their case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import orjson
from pydantic import AwareDatetime, TypeAdapter
from pydantic.alias_generators import to_camel

from domain.kernel.clock import from_us, to_us
from domain.sync.ports import SyncBatch

IDEMPOTENCY_HEADER = "Idempotency-Key"
JSON_OPTIONS = orjson.OPT_UTC_Z
MICROSECONDS_SUFFIX = "_us"

Value = TypeVar("Value")
_TIME: TypeAdapter[Any] = TypeAdapter(AwareDatetime)


@dataclass(frozen=True, slots=True)
class Shape:
    """What is worked out once per dataclass: (field, key) pairs, and its validator."""

    names: tuple[tuple[str, str], ...]
    adapter: TypeAdapter[Any]


_SHAPES: dict[type, Shape] = {}


def emit(value: object) -> dict[str, Any]:
    """A flat dataclass as JSON-able keys; None stays out."""
    body: dict[str, Any] = {}
    for name, key in _shape(type(value)).names:
        item = getattr(value, name)
        if item is not None:
            body[key] = from_us(item) if name.endswith(MICROSECONDS_SUFFIX) else item
    return body


def read(kind: type[Value], raw: object) -> Value:
    """The reverse, validated. Raises pydantic.ValidationError, or TypeError for a non-object."""
    if not isinstance(raw, Mapping):
        raise TypeError("not an object")
    shape = _shape(kind)
    found = {name: raw[key] for name, key in shape.names if key in raw}
    for name in [name for name in found if name.endswith(MICROSECONDS_SUFFIX)]:
        found[name] = to_us(_TIME.validate_python(found[name]))
    value: Value = shape.adapter.validate_python(found)
    return value


def dump(body: object) -> bytes:
    """Raises TypeError for what JSON cannot hold, a lone surrogate say."""
    return orjson.dumps(body, option=JSON_OPTIONS)


def emit_sync(batch: SyncBatch) -> dict[str, list[dict[str, Any]]]:
    return {
        "bottles": _emit_all(batch.bottles),
        "batches": _emit_all(batch.batches),
        "pallets": _emit_all(batch.pallets),
    }


def _emit_all(states: Sequence[object]) -> list[dict[str, Any]]:
    return [emit(state) for state in states]


def _shape(kind: type) -> Shape:
    shape = _SHAPES.get(kind)
    if shape is None:
        names = [field.name for field in fields(kind)]
        keys = [to_camel(name.removesuffix(MICROSECONDS_SUFFIX)) for name in names]
        pairs = tuple(zip(names, keys, strict=True))
        shape = _SHAPES[kind] = Shape(pairs, TypeAdapter(kind))
    return shape

"""What an edge can be configured as while it runs: by its factory's document, key by key, and by
the overrides of the people at its line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.alias_generators import to_camel, to_snake

from domain.kernel.errors import ValidationFailed
from domain.line.commands import short_key
from domain.line.models import HardwareKind
from domain.line.rows import OverrideRow
from domain.sync.models import ConnectionMode
from domain.sync.rules import PAGE_ITEMS
from oktograph.edge.hardware import Documents, Hardware, parse_hardware
from oktograph.settings import LOG_LEVELS, Settings

MAX_BATCH: Final = 10_000
# The attributes that hold each kind, in documents and in settings.
_FIELDS: Final = {kind: to_snake(kind) for kind in HardwareKind}
Opened = Callable[[Documents], Documents]
Fitted = Callable[[Documents], Documents]


Items = list[dict[str, Any]]


class EdgeDocument(BaseModel):
    """Names are in camelCase. What is left out stays as the edge's own settings have it; a name
    that this edge does not know is kept and has no effect.

    The connection's parts (`connectionMode` and the factory's three for all edges) act when they
    change: what is chosen at the edge later stays chosen.
    """

    model_config = ConfigDict(
        frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True, strict=True
    )

    connection_mode: Annotated[ConnectionMode, Field(strict=False)] | None = None
    default_mode: Annotated[ConnectionMode, Field(strict=False)] | None = None
    allow_device_override: bool | None = None
    cloud_sync_enabled: bool | None = None
    log_level: str | None = None
    pack_size: Annotated[int, Field(ge=0, le=10_000)] | None = None
    pallet_size: Annotated[int, Field(ge=1, le=1_000)] | None = None
    scanners: Items | None = None
    printers: Items | None = None
    plcs: Items | None = None
    plc_bindings: Items | None = None
    lines: Items | None = None
    ups: dict[str, Any] | None = None
    gpio: dict[str, Any] | None = None
    sync_batch_size: Annotated[int, Field(ge=1, le=MAX_BATCH)] | None = None
    sync_interval_s: Annotated[float, Field(ge=0.1, le=86_400, allow_inf_nan=False)] | None = None
    telemetry_interval_s: Annotated[float, Field(ge=1, le=86_400, allow_inf_nan=False)] | None = (
        None
    )

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str | None) -> str | None:
        if value is not None and value.upper() not in LOG_LEVELS:
            raise ValueError(f"must be one of {', '.join(LOG_LEVELS)}")
        return value and value.upper()

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Raises ValidationFailed for the first wrong part."""
        try:
            found = cls.model_validate(document)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise ValidationFailed(field or "document", _reason(first["msg"])) from None
        return found

    def hardware(self) -> dict[HardwareKind, Any]:
        """What it says of the line's hardware, as it says it."""
        given = {kind: getattr(self, _FIELDS[kind]) for kind in HardwareKind}
        return {kind: value for kind, value in given.items() if value is not None}


def as_they_are(documents: Documents) -> Documents:
    return documents


@dataclass(frozen=True, slots=True)
class RunningConfiguration:
    """What an edge runs on. `fitted` cuts documents that give way to others, for what is parsed of
    them: as documents they stay whole, and come back with what they were cut for."""

    log_level: str
    pack_size: int
    pallet_size: int
    sync_batch_size: int
    sync_interval_s: float
    telemetry_interval_s: float
    documents: Documents
    hardware: Hardware
    fitted: Fitted = as_they_are

    @classmethod
    def of_settings(cls, settings: Settings, fitted: Fitted = as_they_are) -> Self:
        given = {kind: getattr(settings, _FIELDS[kind]) for kind in HardwareKind}
        documents = {kind: value for kind, value in given.items() if value}
        return cls(
            log_level=settings.log_level,
            pack_size=settings.pack_size,
            pallet_size=settings.pallet_size,
            sync_batch_size=PAGE_ITEMS,
            sync_interval_s=settings.sync_interval_s,
            telemetry_interval_s=settings.telemetry_interval_s,
            documents=documents,
            hardware=parse_hardware(fitted(documents)),
            fitted=fitted,
        )

    def overlaid(self, *documents: EdgeDocument, opened: Opened = as_they_are) -> Self:
        """The later ones first. `opened` gives back the secrets in a document of hardware. Raises
        ValidationFailed for hardware that does not fit together."""
        values: dict[str, Any] = {}
        hardware = dict(self.documents)
        for document in documents:
            given = {name: getattr(document, name) for name in _SCALARS}
            values |= {name: value for name, value in given.items() if value is not None}
            hardware |= document.hardware()
        parsed = parse_hardware(self.fitted(opened(hardware)))
        return replace(self, **values, documents=hardware, hardware=parsed)

    def changes(self, other: Self) -> list[str]:
        """The names of what is otherwise in `other`, as documents have them."""
        changed = [n for n in _SCALARS if getattr(self, n) != getattr(other, n)]
        kinds = [k for k in HardwareKind if self.hardware.of(k) != other.hardware.of(k)]
        return [*map(to_camel, changed), *map(str, kinds)]


_SCALARS: Final = tuple(
    name
    for name in RunningConfiguration.__dataclass_fields__
    if name not in ("documents", "hardware", "fitted")
)
# What may be overridden, by either spelling, as documents have it.
NAMES: Final = {
    spelling: to_camel(name)
    for name in (*_SCALARS, *_FIELDS.values())
    for spelling in (name, to_camel(name))
}


def overriding(overrides: Mapping[str, OverrideRow]) -> EdgeDocument:
    """Those of them that this edge knows. Values are JSON in strings; one that is no JSON stands
    for itself. Raises ValidationFailed."""
    found = {}
    for row in overrides.values():
        name = NAMES.get(short_key(row.key))
        if name is not None:
            found[name] = _value(row.value)
    return EdgeDocument.read(found)


def _value(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ")

"""What an edge can be configured as while it runs: by its factory's document, key by key, and by
the overrides of the people at its line."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.alias_generators import to_camel

from domain.kernel.errors import ValidationFailed
from domain.line.commands import short_key
from domain.line.rows import OverrideRow
from domain.sync.models import ConnectionMode
from domain.sync.rules import PAGE_ITEMS
from drivers.registry import DeviceKind, factory_for
from drivers.scanners.port import ScannerConfig, parse_scanners
from oktograph.settings import LOG_LEVELS, Settings

MAX_BATCH: Final = 10_000


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
    scanners: list[dict[str, Any]] | None = None
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
        parse_scanners_of(found)
        return found


@dataclass(frozen=True, slots=True)
class RunningConfiguration:
    """What an edge runs on."""

    log_level: str
    pack_size: int
    pallet_size: int
    scanners: tuple[ScannerConfig, ...]
    sync_batch_size: int
    sync_interval_s: float
    telemetry_interval_s: float

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        return cls(
            log_level=settings.log_level,
            pack_size=settings.pack_size,
            pallet_size=settings.pallet_size,
            scanners=parse_scanners(settings.scanners),
            sync_batch_size=PAGE_ITEMS,
            sync_interval_s=settings.sync_interval_s,
            telemetry_interval_s=settings.telemetry_interval_s,
        )

    def overlaid(self, document: EdgeDocument) -> Self:
        given = {
            name: value
            for name in RunningConfiguration.__dataclass_fields__
            if (value := getattr(document, name)) is not None
        }
        if document.scanners is not None:
            given["scanners"] = parse_scanners_of(document)
        return replace(self, **given)

    def changes(self, other: Self) -> list[str]:
        """The names of what is otherwise in `other`, as documents have them."""
        return [
            to_camel(name)
            for name in RunningConfiguration.__dataclass_fields__
            if getattr(self, name) != getattr(other, name)
        ]


# What may be overridden, by either spelling, as documents have it.
_NAMES: Final = {
    spelling: to_camel(name)
    for name in RunningConfiguration.__dataclass_fields__
    for spelling in (name, to_camel(name))
}


def parse_scanners_of(document: EdgeDocument) -> tuple[ScannerConfig, ...]:
    """Raises ValidationFailed, also for a transport that has no driver here."""
    configs = parse_scanners(document.scanners or ())
    for at, config in enumerate(configs):
        factory_for(DeviceKind.SCANNER, config.transport, field=f"scanners.{at}.transport")
    return configs


def overriding(overrides: Mapping[str, OverrideRow]) -> EdgeDocument:
    """Those of them that this edge knows. Values are JSON in strings; one that is no JSON stands
    for itself. Raises ValidationFailed."""
    found = {}
    for row in overrides.values():
        name = _NAMES.get(short_key(row.key))
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

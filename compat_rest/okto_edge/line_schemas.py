"""Bodies of the line's configuration, as the OKTO edge API has them."""

from typing import Annotated, Any

from pydantic import Field

from compat_rest.kernel.fields import PRINTABLE, Body
from compat_rest.kernel.okto.schemas import Answer, Time
from domain.line.commands import MAX_OVERRIDES, MAX_VALUE

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")]
Value = Annotated[str, Field(max_length=MAX_VALUE, pattern=r"^[^\x00]*$")]


class ConfigBody(Body):
    """Keys with `l2.override.` before them or without."""

    set: Annotated[
        dict[Key, Value],
        # pydantic says what keys may be like and leaves open whether others may be.
        Field(max_length=MAX_OVERRIDES, json_schema_extra={"additionalProperties": False}),
    ] = Field(default_factory=dict)
    unset: Annotated[list[Key], Field(max_length=MAX_OVERRIDES)] = Field(default_factory=list)
    actor: Annotated[str, Field(min_length=1, max_length=128, pattern=PRINTABLE)] | None = None


class Removed(Answer):
    removed: int


class Reloaded(Answer):
    """The names of the settings that changed."""

    changed: list[str]


class FactoryLink(Answer):
    url: str
    state: str
    connected: bool
    since: Time
    last_error: str | None


class SelfService(Answer):
    """`overrides` are the keys in force; `factory` is null where none is configured."""

    device_identifier: str
    enabled: bool
    software_version: str
    config_version: int
    overrides: list[str]
    factory: FactoryLink | None


class Transport(Answer):
    """`available`: this installation can speak it."""

    name: str
    available: bool


class ScannerCatalogue(Answer):
    """`schema` is JSON Schema of one scanner's configuration."""

    transports: list[Transport]
    models: list[str]
    roles: list[str]
    max_scanners: int
    schema_: Annotated[dict[str, Any], Field(alias="schema")]

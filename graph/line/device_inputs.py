"""Inputs of the line's hardware: what all have by name, what a transport or a protocol needs in
`settings`, by the names that the configurations have."""

from typing import Any

import strawberry
from strawberry.scalars import JSON

from domain.kernel.errors import ValidationFailed
from domain.line.models import ScannerRole

SETTINGS = "What else it needs, by the names of its configuration (see its catalogue's schema)"
scanner_role = strawberry.enum(ScannerRole, description="What a reading does on the line")


@strawberry.input
class ScannerInput:
    index: int
    name: str
    role: ScannerRole = ScannerRole.ADD
    transport: str = "TCP"
    model: str = "GENERIC"
    line_id: str | None = None
    host: str | None = None
    port: int | None = None
    settings: JSON | None = strawberry.field(default=None, description=SETTINGS)

    def document(self) -> dict[str, Any]:
        return document_of(self)


@strawberry.input
class PlcInput:
    id: str
    protocol: str
    name: str | None = None
    line_id: str | None = None
    host: str | None = None
    port: int | None = None
    settings: JSON | None = strawberry.field(default=None, description=SETTINGS)

    def document(self) -> dict[str, Any]:
        return document_of(self)


@strawberry.input
class TagBindingInput:
    name: str
    plc: str
    address: str = strawberry.field(description="In the words of the controller's protocol")
    type: str = strawberry.field(default="BOOL", description="As IEC 61131-3 has them")
    access: str | None = None
    settings: JSON | None = strawberry.field(default=None, description=SETTINGS)

    def document(self) -> dict[str, Any]:
        return document_of(self)


def document_of(given: Any) -> dict[str, Any]:
    """As a configuration says it. Raises ValidationFailed for settings that are no object."""
    settings = {} if given.settings is None else given.settings
    if not isinstance(settings, dict):
        raise ValidationFailed("settings", "must be an object")
    named = {
        name: str(value) if isinstance(value, ScannerRole) else value
        for name, value in vars(given).items()
        if name != "settings" and value is not None
    }
    return settings | named

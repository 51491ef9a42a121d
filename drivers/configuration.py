"""Device settings as people write them, checked; a refusal names the field."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic.alias_generators import to_camel

from domain.kernel.errors import ValidationFailed

# As JSON means them: `true` is no number, and neither is "3".
_NUMBERS = (int, float, int | None, float | None)
_TRUTHS = (bool, bool | None)


def _as_shown(schema: dict[str, Any]) -> None:
    """Secrets are shown too, masked; and "Hoststatus" says less than `hostStatus`."""
    for field in schema.get("properties", {}).values():
        field.pop("title", None)
        for part in (field, *field.get("anyOf", ())):
            part.pop("writeOnly", None)


class DeviceModel(BaseModel):
    """Settings of a device or a part of it: names in camelCase or as here, nothing unknown."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        json_schema_extra=_as_shown,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _of_its_type(cls, value: object, info: ValidationInfo) -> object:
        wanted = cls.model_fields[info.field_name or ""].annotation
        if wanted in _NUMBERS and isinstance(value, bool | str):
            raise ValueError("must be a number")
        if wanted in _TRUTHS and not isinstance(value, bool | None):
            raise ValueError("must be true or false")
        return value


_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
HOST = rf"^(?:{_LABEL}(?:\.{_LABEL}){{0,9}}|[0-9A-Fa-f:.]{{2,45}})$"
"""A name or an address: what a resolver would choke on is refused where it is written."""
Host = Annotated[str, Field(min_length=1, max_length=255, pattern=HOST)]
HostOrNone = Annotated[str, Field(max_length=255, pattern=rf"^$|{HOST}")]
"""Empty for none."""

ModelT = TypeVar("ModelT", bound=BaseModel)

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.?))", re.DOTALL)
_NAMED = {"r": "\r", "n": "\n", "t": "\t", "\\": "\\"}
_WRITTEN = {"\r": "\\r", "\n": "\\n", "\t": "\\t", "\\": "\\\\"}


def validated(model: type[ModelT], data: Mapping[str, Any], *, path: str = "") -> ModelT:
    """Raises ValidationFailed for the first wrong field, as a dotted path below `path`."""
    try:
        return model.model_validate(data)
    except ValidationError as refused:
        first = refused.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join([*([path] if path else []), *(str(part) for part in first["loc"])])
        reason = first["msg"].removeprefix("Value error, ")
        raise ValidationFailed(field or "configuration", reason) from None


def to_wire(value: object) -> object:
    r"""Text to bytes, one per character, with the escapes \xNN \r \n \t and \\."""
    if not isinstance(value, str):
        return value
    text = _ESCAPE.sub(_unescape, value)
    if any(ord(character) > 0xFF for character in text):
        raise ValueError("a character beyond one byte")
    return text.encode("latin-1")


def from_wire(value: bytes | None) -> str | None:
    """What `to_wire` reads back as the same bytes."""
    return None if value is None else "".join(_written(c) for c in value.decode("latin-1"))


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    if match[2] not in _NAMED:
        raise ValueError(r"only \xNN, \r, \n, \t and \\ are known escapes")
    return _NAMED[match[2]]


def _written(character: str) -> str:
    if character in _WRITTEN:
        return _WRITTEN[character]
    return character if " " <= character <= "~" else f"\\x{ord(character):02x}"


# Bytes on a wire: bytes inside, escaped text in JSON.
WireBytes = Annotated[
    bytes,
    BeforeValidator(to_wire),
    PlainSerializer(from_wire, return_type=str, when_used="json-unless-none"),
    WithJsonSchema({"type": "string"}),
]

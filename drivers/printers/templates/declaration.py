"""A template as people declare it: text with `{{name}}` placeholders, and what each name takes."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from pydantic import Field, model_validator

from domain.kernel.errors import ValidationFailed
from drivers.configuration import DeviceModel, validated

MOST_PLACEHOLDERS = 200
MOST_BODY = 65_536

NAME = r"[A-Za-z_][A-Za-z0-9_]{0,63}"
_DATE_FORMAT = r"^(?:%[dmyYjHMS]|[0-9A-Za-z ./:-]){1,40}$"


class ParameterType(StrEnum):
    """GS1: a marking code or other GS1 element strings, with its real separators or any of those
    that scanners send. QUANTITY: a whole number from 1. DATE: given as ISO 8601, printed by its
    `format`."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    GS1 = "gs1"
    QUANTITY = "quantity"


class TemplateParameter(DeviceModel):
    """`default` stands in for a value that is not given; for a date it may be `today`. Without a
    default, one that is not `required` is printed as nothing."""

    name: str = Field(pattern=f"^{NAME}$")
    type: ParameterType = ParameterType.TEXT
    required: bool = True
    max_length: int = Field(default=200, ge=1, le=4000)
    default: str | None = Field(default=None, max_length=4000)
    format: str = Field(default="%Y-%m-%d", pattern=_DATE_FORMAT)


class LabelTemplate(DeviceModel):
    """`body` is in the language of the printer it is for."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_. -]{0,63}$")
    body: str = Field(min_length=1, max_length=MOST_BODY)
    parameters: tuple[TemplateParameter, ...] = Field(default=(), max_length=50)
    description: str = Field(default="", max_length=500)

    @model_validator(mode="after")
    def _names_are_different(self) -> Self:
        names = [parameter.name for parameter in self.parameters]
        if len(set(names)) < len(names):
            raise ValueError("two parameters of one name")
        return self

    @classmethod
    def parse(cls, data: Mapping[str, Any], *, path: str = "") -> Self:
        """Raises ValidationFailed that names the field. The body is judged by `compile_template`,
        which knows the language."""
        return validated(cls, data, path=path)


# Placeholders stand in a body as one character each, which no body may hold itself, so that a
# language cuts the body into commands without ever looking into a placeholder.
_FIRST_MARK = 0xE000
_MARK = re.compile("[\ue000-\uf8ff]")
# Anything but tabs and line ends: in every language some of them act at once, wherever they stand.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")


class MarkedBody:
    """`text` is the body with marks; `parameter` says whose a mark is."""

    def __init__(self, template: LabelTemplate) -> None:
        """Raises ValidationFailed for broken, unknown and unused placeholders."""
        self._parameters = {parameter.name: parameter for parameter in template.parameters}
        self._found: list[TemplateParameter] = []
        if _MARK.search(template.body):
            raise ValidationFailed("body", "holds a character of the private use area")
        if (control := _CONTROL.search(template.body)) is not None:
            raise ValidationFailed("body", f"holds the control character U+{ord(control[0]):04X}")
        self.text = _PLACEHOLDER.sub(self._mark, template.body)
        self._refuse_leftovers()
        self._refuse_unused(template)

    def parameter(self, mark: str) -> TemplateParameter:
        return self._found[ord(mark) - _FIRST_MARK]

    def _mark(self, match: re.Match[str]) -> str:
        name = match[1].strip()
        if name not in self._parameters:
            broken = not re.fullmatch(NAME, name)
            what = "a broken placeholder" if broken else "no such parameter"
            raise ValidationFailed("body", f"{what}: {match[0][:80]}", line=_line_of(match))
        if len(self._found) == MOST_PLACEHOLDERS:
            raise ValidationFailed("body", f"more than {MOST_PLACEHOLDERS} placeholders")
        self._found.append(self._parameters[name])
        return chr(_FIRST_MARK + len(self._found) - 1)

    def _refuse_leftovers(self) -> None:
        for braces in ("{{", "}}"):
            if braces in self.text:
                line = self.text[: self.text.index(braces)].count("\n") + 1
                raise ValidationFailed("body", f"unbalanced {braces} in line {line}", line=line)

    def _refuse_unused(self, template: LabelTemplate) -> None:
        for at, parameter in enumerate(template.parameters):
            if parameter not in self._found:
                raise ValidationFailed(f"parameters.{at}.name", "is not used in the body")


def is_ascii(text: str) -> bool:
    """Marks aside."""
    return _MARK.sub("", text).isascii()


def is_marked(text: str) -> bool:
    return _MARK.search(text) is not None


def pieces(text: str) -> list[str]:
    """Cut so that every mark is a piece of its own; no piece is empty."""
    return [piece for piece in re.split("([\ue000-\uf8ff])", text) if piece]


def _line_of(match: re.Match[str]) -> int:
    return match.string[: match.start()].count("\n") + 1

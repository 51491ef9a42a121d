"""What a template is compiled to: fixed text, places for values, and how many labels."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from domain.kernel.errors import ValidationFailed
from drivers.printers.jobs import Document
from drivers.printers.templates.declaration import LabelTemplate, ParameterType, TemplateParameter
from drivers.printers.templates.values import Given, Unfit, Value, values_of

MOST_COPIES = 10_000
DIGITS_ONLY = (ParameterType.NUMBER, ParameterType.QUANTITY)

# A value to what stands for it in the command; raises Unfit.
Encoder = Callable[[Value], str]


@dataclass(frozen=True, slots=True)
class Slot:
    parameter: TemplateParameter
    encode: Encoder

    def write(self, values: Mapping[str, Value]) -> str:
        try:
            return self.encode(values[self.parameter.name])
        except Unfit as unfit:
            raise ValidationFailed(f"params.{self.parameter.name}", str(unfit)) from None


Part = str | Slot


@dataclass(frozen=True, slots=True)
class Quantity:
    """The command that says how many: as the template has it, or rewritten for `copies`.

    `factors` multiply to the number of labels; a Slot is a parameter's value.
    """

    written: tuple[Part, ...]
    factors: tuple[int | Slot, ...]
    rewritten: Callable[[int], str]

    def write(self, values: Mapping[str, Value], copies: int | None) -> tuple[str, int]:
        if copies is not None:
            return self.rewritten(copies), copies
        labels = 1
        for factor in self.factors:
            labels *= factor if isinstance(factor, int) else int(factor.write(values))
        return "".join(written(part, values) for part in self.written), labels


def written(part: Part, values: Mapping[str, Value]) -> str:
    return part if isinstance(part, str) else part.write(values)


@dataclass(frozen=True)
class CompiledTemplate:
    """A template that was found sound for its printer; `render` may be called any number of times.

    Raises ValidationFailed, naming `params.<name>` or `copies`. A value is data wherever it
    stands: whatever it holds, the commands are those of the template. `today` is the printing
    site's date, for dates that default to it.
    """

    template: LabelTemplate
    _render: Callable[[Mapping[str, Value], int | None], Document] = field(repr=False)

    def render(
        self,
        params: Mapping[str, Given],
        *,
        copies: int | None = None,
        today: date | None = None,
    ) -> Document:
        if copies is not None and not 1 <= copies <= MOST_COPIES:
            raise ValidationFailed("copies", f"must be from 1 to {MOST_COPIES}")
        return self._render(values_of(self.template, params, today), copies)


def count_of(part: Part, command: str) -> int | Slot:
    """How many labels one argument of `command` says. Raises ValidationFailed."""
    if isinstance(part, Slot) and part.parameter.type is ParameterType.QUANTITY:
        return part
    if isinstance(part, str) and re.fullmatch(r"[1-9][0-9]{0,7}", part.strip()):
        return int(part)
    raise ValidationFailed("body", f"{command} needs a number or a quantity")


def has_open_escape(lead: str, sign: str) -> bool:
    """Whether a value behind `lead` would be taken for the rest of an escape: `_` or `_d02`."""
    one = re.escape(sign)
    return sign in re.sub(f"{one}(?:d[0-9]{{3}}|[^d])", "", lead)


def plain_digits(value: Value) -> str:
    return value.text


def argument_slot(parameter: TemplateParameter) -> Slot:
    """A place among a command's arguments, where only digits can stand, and never nothing."""
    always = parameter.required or parameter.default is not None
    if parameter.type in DIGITS_ONLY and always:
        return Slot(parameter, plain_digits)
    raise ValidationFailed(
        "body",
        f"{{{{{parameter.name}}}}} stands outside of a field's data, where only a number or a "
        "quantity may that is required or has a default",
    )

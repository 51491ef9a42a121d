"""A parameter's value as it was given, checked against its declaration."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from domain.kernel.errors import ValidationFailed
from domain.production.codes import GS, normalise
from domain.production.codes.structure import ONLY_SET82
from domain.production.codes.syntax import split_elements
from drivers.printers.templates.declaration import (
    LabelTemplate,
    ParameterType,
    TemplateParameter,
)

# JSON values that a caller may give.
Given = str | int | float | None

_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")
_QUANTITY = re.compile(r"[1-9][0-9]{0,5}")
# C0, DEL, C1, the two Unicode line ends, and half characters that no encoding can carry.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
TODAY = "today"
_LARGEST = 10**18


class Unfit(ValueError):
    """Why a value cannot stand where it should."""


@dataclass(frozen=True, slots=True)
class Value:
    """`text` for people and commands; `code`, for GS1, is what goes into a symbol: with its GS and
    without the leading FNC1."""

    text: str
    code: str | None = None


def values_of(
    template: LabelTemplate, given: Mapping[str, Given], today: date | None = None
) -> dict[str, Value]:
    """By parameter. Raises ValidationFailed for `params.<name>`: unknown, missing or wrong."""
    known = {parameter.name for parameter in template.parameters}
    for name in given:
        if name not in known:
            raise ValidationFailed(f"params.{name}", "the template has no such parameter")
    return {p.name: _value(p, given.get(p.name), today) for p in template.parameters}


def check_defaults(template: LabelTemplate) -> None:
    """Raises ValidationFailed for the first default that its own parameter would refuse."""
    for at, parameter in enumerate(template.parameters):
        if parameter.default is None:
            continue
        try:
            _converted(parameter, parameter.default, date(2000, 1, 1))
        except Unfit as unfit:
            raise ValidationFailed(f"parameters.{at}.default", str(unfit)) from None


def _value(parameter: TemplateParameter, given: Given, today: date | None) -> Value:
    taken = given if given not in (None, "") else parameter.default
    if taken in (None, ""):
        if parameter.required:
            raise ValidationFailed(f"params.{parameter.name}", "is required")
        return Value("", "" if parameter.type is ParameterType.GS1 else None)
    try:
        return _converted(parameter, taken, today)
    except Unfit as unfit:
        raise ValidationFailed(f"params.{parameter.name}", str(unfit)) from None


def _converted(parameter: TemplateParameter, given: Given, today: date | None) -> Value:
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        raise Unfit("must be text or a number")
    if isinstance(given, int) and abs(given) > _LARGEST:
        raise Unfit("too large a number")
    text = str(given)
    if len(text) > parameter.max_length:
        raise Unfit(f"longer than {parameter.max_length} characters")
    match parameter.type:
        case ParameterType.TEXT:
            return Value(_printable(text))
        case ParameterType.NUMBER:
            return Value(_matching(_NUMBER, text, "must be a decimal number"))
        case ParameterType.QUANTITY:
            return Value(_matching(_QUANTITY, text, "must be a whole number from 1 to 999999"))
        case ParameterType.DATE:
            return Value(_date(parameter, text, today))
        case ParameterType.GS1:
            return _code(text)


def _printable(text: str) -> str:
    if (found := _UNPRINTABLE.search(text)) is not None:
        raise Unfit(f"holds U+{ord(found[0]):04X}, which cannot be printed")
    return text


def _matching(pattern: re.Pattern[str], text: str, reason: str) -> str:
    if not pattern.fullmatch(text):
        raise Unfit(reason)
    return text


def _date(parameter: TemplateParameter, text: str, today: date | None) -> str:
    if text == TODAY and parameter.default == TODAY and today is not None:
        return today.strftime(parameter.format)
    try:
        return datetime.fromisoformat(text).strftime(parameter.format)
    except ValueError:
        raise Unfit("must be a date as in ISO 8601") from None


def _code(text: str) -> Value:
    """Verbatim but for what scanners put around it; never rebuilt from its parts."""
    code = normalise(text).text.strip(GS)
    if not ONLY_SET82.fullmatch(code):
        raise Unfit("holds a character that GS1 does not know")
    split = split_elements(code)
    if split.fault is not None or not split.values:
        reason = split.fault or "empty"
        raise Unfit(f"cannot be read as GS1 element strings ({reason}); is a separator missing?")
    return Value("".join(f"({ai}){value}" for ai, value in split.values.items()), code)

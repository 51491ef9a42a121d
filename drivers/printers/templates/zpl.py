r"""ZPL templates.

A value may stand in a field's data (^FD, ^FV) only, and is written there in hexadecimal (^FH), so
that neither ^ nor ~ of a value ever reaches the printer; numbers may also stand among a command's
arguments. What would change what ^ and ~ mean, or make the printer talk, is refused.
"""

import re
from collections.abc import Mapping
from functools import partial

from domain.kernel.errors import ValidationFailed
from drivers.printers.jobs import Document
from drivers.printers.templates.declaration import (
    LabelTemplate,
    MarkedBody,
    TemplateParameter,
    is_ascii,
    is_marked,
    pieces,
)
from drivers.printers.templates.parts import (
    Encoder,
    Part,
    Quantity,
    Slot,
    argument_slot,
    count_of,
    written,
)
from drivers.printers.templates.values import Value
from drivers.printers.templates.zpl_fields import Field, Misplaced, encoder

_COMMAND = re.compile(r"[\^~]")
_CHANGES_CONTROLS = ("CC", "CD", "CT")
# Their field's data is rewritten by the printer: clock, serial numbers, stored fields.
_REWRITES = ("FC", "FE", "FN", "SN", "SF", "FM")
_DEFAULT_INDICATOR = "_"
OUR_INDICATOR = "\\"


def compile_zpl(template: LabelTemplate) -> "ZplBody":
    """Raises ValidationFailed for `body`, or `parameters.<n>.name` for one that is not used."""
    return ZplBody(MarkedBody(template))


class ZplBody:
    def __init__(self, body: MarkedBody) -> None:
        self._body = body
        self._parts: list[Part | Quantity] = []
        self._field = Field()
        self._in_format = False
        self._has_quantity = False
        commands = _cut(body.text)
        character_sets = {a.split(",")[0].strip() for n, a, _ in commands if n == "CI"}
        self._sets_utf8 = not character_sets
        self._utf8 = character_sets <= {"28"}
        if not self._utf8 and not is_ascii(body.text):
            raise ValidationFailed("body", "only ^CI28 can print more than ASCII")
        for name, arguments, head in commands:
            self._take(name, arguments, head)
        if self._in_format or not any(name == "XA" for name, _, _ in commands):
            raise ValidationFailed("body", "needs ^XA and ^XZ around each label")

    def render(self, values: Mapping[str, Value], copies: int | None) -> Document:
        text, labels = [], 0
        for part in self._parts:
            if isinstance(part, Quantity):
                command, count = part.write(values, copies)
                labels += count
                text.append(command)
            else:
                text.append(written(part, values))
        return Document.of("".join(text).encode("utf-8"), labels)

    def _take(self, name: str, arguments: str, head: str) -> None:
        """`head` is the command up to its arguments, as the template has it."""
        if is_marked(head):
            raise ValidationFailed("body", "a value cannot be part of a command's name")
        _refuse(name)
        match name:
            case "FD" | "FV" if is_marked(arguments):
                self._take_data(arguments, head)
                return
            case "XA" | "XZ":
                self._frame(name, arguments, head)
                return
            case "PQ":
                self._parts.append(self._quantity(arguments))
                self._has_quantity = True
                return
        self._note(name, arguments)
        self._parts.append(head)
        self._parts += [self._argument(piece) for piece in pieces(arguments)]

    def _note(self, name: str, arguments: str) -> None:
        match name:
            case "FS":
                self._field = Field()
            case "FH":
                self._field.hex_indicator = _indicator(arguments)
            case "FB" | "TB":
                self._field.is_block = True
            case _ if name in _REWRITES:
                self._field.rewriter = name
            case _ if name.startswith("B") and name != "BY":
                self._field.barcode, self._field.arguments = name, arguments.split(",")

    def _frame(self, name: str, arguments: str, head: str) -> None:
        opens = name == "XA"
        if opens is self._in_format:
            raise ValidationFailed("body", "^XA and ^XZ must alternate")
        self._in_format, self._field = opens, Field()
        if opens:
            self._has_quantity = False
        elif not self._has_quantity:
            self._parts.append(Quantity((), (1,), "^PQ{}".format))
        set_utf8 = "^CI28" if opens and self._sets_utf8 else ""
        self._parts.append(head + set_utf8)
        self._parts += [self._argument(piece) for piece in pieces(arguments)]

    def _quantity(self, arguments: str) -> Quantity:
        """^PQq,p,r,o,e: q is the number, the rest is kept."""
        count, comma, rest = arguments.partition(",")
        parts = [self._argument(piece) for piece in pieces(count.strip())]
        if is_marked(rest) or len(parts) > 1:
            raise ValidationFailed("body", "^PQ needs a number or one quantity")
        factor = count_of(parts[0] if parts else "1", "^PQ")
        return Quantity(
            ("^PQ", *parts, comma + rest), (factor,), lambda copies: f"^PQ{copies}{comma}{rest}"
        )

    def _argument(self, piece: str) -> Part:
        return argument_slot(self._body.parameter(piece)) if is_marked(piece) else piece

    def _take_data(self, arguments: str, head: str) -> None:
        place = self._field
        if place.rewriter is not None:
            raise ValidationFailed("body", f"a field with ^{place.rewriter} cannot hold a value")
        indicator = place.hex_indicator
        own = OUR_INDICATOR if indicator is None else indicator
        self._parts.append(head if indicator is not None else f"^FH{own}{head}")
        lead = ""
        for piece in pieces(arguments):
            if is_marked(piece):
                self._parts.append(self._data_slot(self._body.parameter(piece), lead, own))
            else:
                self._parts.append(piece if indicator is not None else hexed(piece, own, own))
            lead += piece

    def _data_slot(self, parameter: TemplateParameter, lead: str, indicator: str) -> Slot:
        sign = re.escape(indicator)
        if self._field.hex_indicator and re.search(f"{sign}[0-9A-Fa-f]?$", lead):
            raise ValidationFailed("body", f"{indicator} is not complete before the value")
        try:
            inner = encoder(self._field, parameter, lead.strip("\r\n"), utf8=self._utf8)
        except Misplaced as misplaced:
            raise ValidationFailed("body", f"{{{{{parameter.name}}}}}: {misplaced}") from None
        return Slot(parameter, partial(_hexed_value, inner, indicator))


def hexed(text: str, indicator: str, characters: str | None = None) -> str:
    """In the notation of ^FH: `characters`, or all but ASCII letters and digits."""

    def is_plain(character: str) -> bool:
        if characters is not None:
            return character not in characters
        return character.isascii() and character.isalnum()

    return "".join(
        c if is_plain(c) else "".join(f"{indicator}{byte:02X}" for byte in c.encode("utf-8"))
        for c in text
    )


def _hexed_value(inner: Encoder, indicator: str, value: Value) -> str:
    return hexed(inner(value), indicator)


def _cut(text: str) -> list[tuple[str, str, str]]:
    """Name, arguments and head of each command; what stands before the first must be blank."""
    starts = [match.start() for match in _COMMAND.finditer(text)]
    if text[: starts[0] if starts else None].strip():
        raise ValidationFailed("body", "must begin with a command")
    ends = [*starts[1:], len(text)]
    return [_command(text[a:b]) for a, b in zip(starts, ends, strict=True)]


def _command(text: str) -> tuple[str, str, str]:
    """^A is one letter and its font; every other name has two."""
    length = 2 if text[1:2] in ("A", "a") else 3
    return text[1:length].upper(), text[length:], text[:length]


def _refuse(name: str) -> None:
    if name in _CHANGES_CONTROLS:
        raise ValidationFailed("body", f"^{name} would change what is a command")
    if name.startswith("H"):
        raise ValidationFailed("body", f"^{name} would make the printer answer")


def _indicator(arguments: str) -> str:
    indicator = arguments.strip("\r\n")[:1] or _DEFAULT_INDICATOR
    if indicator.isalnum() or not indicator.isprintable() or not indicator.isascii():
        raise ValidationFailed("body", r"^FH needs a sign that is no letter or digit, as ^FH\ ")
    return indicator

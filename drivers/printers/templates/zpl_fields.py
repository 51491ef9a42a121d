r"""How a value is written into the data of each kind of ZPL field.

Two layers, one after the other in the printer: ^FH hexadecimal (done for every value, by the
compiler), then the field's own escapes (done here): `_` in a DataMatrix, `>` in a Code 128, `\` in
a text block. What a symbology does not define is not let through.
"""

import re
from dataclasses import dataclass, field

from domain.production.codes import GS
from drivers.printers.templates.declaration import ParameterType, TemplateParameter
from drivers.printers.templates.parts import Encoder, has_open_escape
from drivers.printers.templates.values import Unfit, Value

_FNC1 = "1"
# No symbology gives these a second meaning.
_HARMLESS = re.compile(r"[0-9A-Za-z .-]*")
_QR_LEAD = re.compile("[HQML]A,")


class Misplaced(ValueError):
    """Why a parameter of this type cannot stand in this field at all."""


@dataclass(slots=True)
class Field:
    """What the commands since the last ^FS have said of the field to come."""

    barcode: str | None = None
    arguments: list[str] = field(default_factory=list)
    hex_indicator: str | None = None
    is_block: bool = False
    rewriter: str | None = None

    def argument(self, at: int) -> str:
        return self.arguments[at].strip() if at < len(self.arguments) else ""


def encoder(place: Field, parameter: TemplateParameter, lead: str, *, utf8: bool) -> Encoder:
    """`lead` is the field's own text before the value. Raises Misplaced."""
    is_code = parameter.type is ParameterType.GS1
    match place.barcode:
        case None:
            return _in_text(place, utf8=utf8)
        case "BX":
            return _in_matrix(place, lead, is_code=is_code)
        case "BC":
            return _in_code128(place, lead, is_code=is_code)
        case "BQ" if not is_code:
            return _in_qr(lead)
        case _ if not is_code:
            return _in_other
    raise Misplaced("a gs1 value goes into a ^BX, a ^BC or plain text")


def _in_text(place: Field, *, utf8: bool) -> Encoder:
    def encode(value: Value) -> str:
        text = value.text if utf8 else _ascii(value.text)
        return text.replace("\\", "\\\\") if place.is_block else text

    return encode


def _in_matrix(place: Field, lead: str, *, is_code: bool) -> Encoder:
    """^BXo,h,s,c,r,f,g: the default of g differs between firmwares, so it must be said."""
    escape = place.argument(6)
    if place.argument(2) != "200" or len(escape) != 1 or escape.isalnum():
        raise Misplaced("a ^BX with a value needs quality 200 and its escape, as ^BXN,8,200,,,,_")
    if place.hex_indicator == escape and lead:
        raise Misplaced("^FH and ^BX share one sign, so the text before the value is unclear")
    if has_open_escape(lead, escape):
        raise Misplaced("an escape is not complete before the value")
    if not is_code:
        return lambda value: _ascii(value.text).replace(escape, escape * 2)
    if lead not in ("", escape + _FNC1):
        raise Misplaced("a gs1 value must be the first in its ^BX")
    head = "" if lead else escape + _FNC1

    def encode(value: Value) -> str:
        code = value.code or ""
        if not code:
            raise Unfit("a symbol cannot be empty")
        return head + code.replace(escape, escape * 2).replace(GS, f"{escape}d029")

    return encode


def _in_code128(place: Field, lead: str, *, is_code: bool) -> Encoder:
    """^BCo,h,f,g,e,m. Without a start code the printer begins in subset B."""
    if place.argument(5).upper() not in ("", "N"):
        if is_code:
            raise Misplaced("a gs1 value needs mode N of ^BC")
        return _in_other
    if has_open_escape(lead, ">"):
        raise Misplaced("an escape is not complete before the value")
    if not is_code:
        return lambda value: _subset_b(value.text)
    if lead and not lead.endswith(">8"):
        raise Misplaced("a gs1 value must be the first in its ^BC")
    head = "" if lead else ">:>8"

    def encode(value: Value) -> str:
        return head + ">8".join(_subset_b(part) for part in (value.code or "").split(GS))

    return encode


def _in_qr(lead: str) -> Encoder:
    if not _QR_LEAD.fullmatch(lead[:3]) or len(lead) < 3:
        raise Misplaced("a ^BQ with a value needs automatic input, as ^FDQA,{{value}}")
    return lambda value: _ascii(value.text)


def _in_other(value: Value) -> str:
    if not _HARMLESS.fullmatch(value.text):
        raise Unfit("only letters, digits, blanks, dots and hyphens can go into this barcode")
    return value.text


def _subset_b(text: str) -> str:
    return _ascii(text).replace(">", ">0").replace("^", "><").replace("~", ">=")


def _ascii(text: str) -> str:
    if not text.isascii():
        raise Unfit("only ASCII characters can go here")
    return text

r"""TSPL templates.

A value may stand in the last, quoted argument of a command that draws text or a symbol; numbers may
also stand among the arguments. The language has one escape in a string, `\["]` for a quotation
mark, and none for the backslash: a value with one is refused, except in a DMATRIX with an escape
sign of its own (c126), where everything has a number.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from domain.kernel.errors import ValidationFailed
from domain.production.codes import GS
from drivers.printers.jobs import Document
from drivers.printers.templates.declaration import (
    LabelTemplate,
    MarkedBody,
    ParameterType,
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
    has_open_escape,
    written,
)
from drivers.printers.templates.values import Unfit, Value

_LINE_END = "\r\n"
_WORD = re.compile(r"[ \t]*([A-Za-z]+)[ \t]*")
# A string with its escapes inside, or anything without quotation marks, up to a comma or the end.
_ARGUMENT = re.compile(r'[ \t]*(?:"((?:\\\["\]|[^"])*+)"|([^",]*))[ \t]*(,|$)')
_ESCAPE_SIGN = re.compile(r"c([0-9]{2,3})")
_DRAWS_TEXT = ("TEXT", "BLOCK")
_ANSWERS = ("OUT", "FILES")
_UTF8 = re.compile(r"^\s*CODEPAGE\s+UTF-?8\s*$", re.IGNORECASE | re.MULTILINE)
_HARMLESS = re.compile(r"[0-9A-Za-z .-]*")


def compile_tspl(template: LabelTemplate) -> "TsplBody":
    """Raises ValidationFailed for `body`, or `parameters.<n>.name` for one that is not used."""
    return TsplBody(MarkedBody(template))


@dataclass(frozen=True, slots=True)
class _Argument:
    """`text` without the quotation marks of a string."""

    text: str
    quoted: bool


class TsplBody:
    def __init__(self, body: MarkedBody) -> None:
        self._body = body
        self._utf8 = _UTF8.search(body.text) is not None
        if not self._utf8 and not is_ascii(body.text):
            raise ValidationFailed("body", "only CODEPAGE UTF-8 can print more than ASCII")
        self._parts: list[Part | Quantity] = []
        for line in body.text.splitlines():
            if line.strip():
                self._take(line)
        if not any(isinstance(part, Quantity) for part in self._parts):
            raise ValidationFailed("body", "has no PRINT")

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

    def _take(self, line: str) -> None:
        word = _WORD.match(line)
        if word is None:
            raise ValidationFailed("body", f"not a command: {line.strip()[:60]}")
        name = word[1].upper()
        if name in _ANSWERS:
            raise ValidationFailed("body", f"{name} would make the printer answer")
        if name == "PRINT":
            self._parts.append(self._quantity(line[word.end() :]))
        elif is_marked(line):
            self._parts += self._with_values(name, word[0], line[word.end() :])
        else:
            self._parts.append(line)
        self._parts.append(_LINE_END)

    def _with_values(self, name: str, head: str, rest: str) -> list[Part]:
        if not head[-1:].isspace():
            raise ValidationFailed("body", "a value cannot be part of a command's name")
        arguments = _arguments(rest)
        parts: list[Part] = [head]
        for at, argument in enumerate(arguments):
            parts += [","] if at else []
            is_content = argument.quoted and at == len(arguments) - 1
            slots = [self._part(p, name, arguments, is_content) for p in pieces(argument.text)]
            parts += ['"', *slots, '"'] if argument.quoted else slots
        return parts

    def _part(self, piece: str, name: str, arguments: list[_Argument], is_content: bool) -> Part:
        if not is_marked(piece):
            return piece
        parameter = self._body.parameter(piece)
        if not is_content:
            return argument_slot(parameter)
        lead = arguments[-1].text.partition(piece)[0]
        if lead.endswith(("\\", "\\[", "~")):
            raise ValidationFailed("body", f"a value cannot follow on {lead[-2:]}")
        return Slot(parameter, self._encoder(name, arguments, parameter, lead))

    def _encoder(
        self, name: str, arguments: list[_Argument], parameter: TemplateParameter, lead: str
    ) -> Encoder:
        is_code = parameter.type is ParameterType.GS1
        if name in _DRAWS_TEXT:
            return self._in_string
        if name == "DMATRIX" and (sign := _escape_sign(arguments)) is not None:
            return _in_matrix(sign, lead, is_code=is_code)
        if is_code:
            raise ValidationFailed(
                "body", "a gs1 value goes into a DMATRIX with an escape sign (c126) or into a TEXT"
            )
        if name in ("DMATRIX", "QRCODE"):
            _check_qr(name, arguments)
            return self._in_string
        if name == "BARCODE":
            return _in_barcode(arguments)
        raise ValidationFailed("body", f"{name} cannot hold a value")

    def _in_string(self, value: Value) -> str:
        if not self._utf8 and not value.text.isascii():
            raise Unfit("only ASCII characters can go here, without CODEPAGE UTF-8")
        return _quoted(value.text)

    def _quantity(self, rest: str) -> Quantity:
        """PRINT m[,n]: m labels, each n times."""
        arguments = [pieces(argument.strip()) for argument in rest.split(",")]
        if len(arguments) > 2 or any(len(argument) != 1 for argument in arguments):
            raise ValidationFailed("body", "PRINT needs one or two numbers")
        parts = [self._argument(argument[0]) for argument in arguments]
        commas: list[Part] = [part for each in parts for part in (",", each)][1:]
        factors = tuple(count_of(part, "PRINT") for part in parts)
        return Quantity(("PRINT ", *commas), factors, "PRINT 1,{}".format)

    def _argument(self, piece: str) -> Part:
        return argument_slot(self._body.parameter(piece)) if is_marked(piece) else piece


def _arguments(rest: str) -> list[_Argument]:
    """Between the commas; raises ValidationFailed for quotation marks that do not pair."""
    found: list[_Argument] = []
    at = 0
    while True:
        match = _ARGUMENT.match(rest, at)
        if match is None:
            raise ValidationFailed("body", f"unbalanced quotation marks: {rest.strip()[:60]}")
        quoted = match[1] is not None
        found.append(_Argument(match[1] if quoted else match[2].strip(), quoted))
        at = match.end()
        if not match[3]:
            return found


def _escape_sign(arguments: list[_Argument]) -> str | None:
    for argument in arguments[:-1]:
        match = None if argument.quoted else _ESCAPE_SIGN.fullmatch(argument.text)
        if match is not None:
            sign = chr(int(match[1]))
            if not sign.isascii() or sign.isalnum() or not sign.isprintable() or sign in '"\\':
                raise ValidationFailed("body", f"DMATRIX cannot use {argument.text} as its escape")
            return sign
    return None


def _in_matrix(sign: str, lead: str, *, is_code: bool) -> Encoder:
    """`~1` is FNC1 and `~dNNN` a character by its number, for the sign ~."""
    if has_open_escape(lead, sign):
        raise ValidationFailed("body", "an escape is not complete before the value")
    if is_code and lead not in ("", f"{sign}1"):
        raise ValidationFailed("body", "a gs1 value must be the first in its DMATRIX")
    head = f"{sign}1" if is_code and not lead else ""

    def encode(value: Value) -> str:
        text = value.text if value.code is None else value.code
        if is_code and not text:
            raise Unfit("a symbol cannot be empty")
        if not text.isascii():
            raise Unfit("only ASCII characters can go here")
        special = (sign, "~", '"', "\\", GS)
        return head + "".join(f"{sign}d{ord(c):03d}" if c in special else c for c in text)

    return encode


def _check_qr(name: str, arguments: list[_Argument]) -> None:
    """QRCODE x,y,ECC,cell,mode,rotation,...: in manual mode data would hold lengths."""
    if name == "QRCODE" and (len(arguments) < 7 or arguments[4].text.upper() != "A"):
        raise ValidationFailed("body", "a QRCODE with a value needs mode A")


def _in_barcode(arguments: list[_Argument]) -> Encoder:
    """BARCODE x,y,"type",...: 128 takes any ASCII; what others make of signs is not let through."""
    kind = arguments[2].text.upper() if len(arguments) > 2 else ""

    def encode(value: Value) -> str:
        if kind != "128" and not _HARMLESS.fullmatch(value.text):
            raise Unfit("only letters, digits, blanks, dots and hyphens can go into this barcode")
        if not value.text.isascii():
            raise Unfit("only ASCII characters can go here")
        return _quoted(value.text)

    return encode


def _quoted(text: str) -> str:
    r"""A backslash may begin an escape, and not the same ones on all printers; `~!` asks for the
    state, on some firmwares wherever it stands."""
    for sequence in ("\\", "~!"):
        if sequence in text:
            raise Unfit(f"the language has no way to write {sequence} as text")
    return text.replace('"', '\\["]')

"""Reads ZPL as a printer does: for the preview and for the simulator, apart from the templates."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import cast

from drivers.printers.reading.escapes import code128_symbol, matrix_symbol
from drivers.printers.reading.label import (
    Anchor,
    Barcode,
    Box,
    Element,
    Label,
    Place,
    Symbology,
    Text,
    Turn,
    number,
)

_TURNS: dict[str, Turn] = {"N": 0, "R": 90, "I": 180, "B": 270}
# They set up the printer or say nothing that is drawn.
_SILENT = re.compile(
    "XA|XZ|FX|CI|PR|MD|SD|MM|MN|MT|MU|LS|LT|PON|LRN|TA|JU|JM|JS|JZ|PF|PP|JA|PS|ID|EG|SZ"
)
_FONT_HEIGHT = 9


@dataclass(slots=True)
class _FieldState:
    x: int = 0
    y: int = 0
    anchor: Anchor = Anchor.CORNER
    font: tuple[str, int, int] | None = None
    turn: Turn | None = None
    barcode: tuple[str, list[str]] | None = None
    indicator: str | None = None
    data: str | None = None
    box: list[str] | None = None


@dataclass(slots=True)
class _Format:
    home: tuple[int, int] = (0, 0)
    turn: Turn = 0
    font: tuple[int, int] = (_FONT_HEIGHT, 0)
    module: int = 2
    bar_height: int = 10
    charset: str = "utf-8"
    quantity: int = 1
    width: int | None = None
    length: int | None = None
    elements: list[Element] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def read_zpl(document: bytes) -> tuple[Label, ...]:
    """One label for each ^XA ... ^XZ; never raises. What stands outside is not drawn."""
    text = document.decode("latin-1")
    formats = re.findall(r"\^[Xx][Aa](.*?)\^[Xx][Zz]", text, re.DOTALL)
    return tuple(_Reader().read(content) for content in formats)


class _Reader:
    def __init__(self) -> None:
        self._format = _Format()
        self._field = _FieldState()
        self._commands: dict[str, Callable[[list[str]], None]] = {
            "FO": self._origin,
            "FT": self._baseline,
            "FS": lambda _: self._finish(),
            "LH": self._home,
            "FW": self._orientation,
            "CF": self._default_font,
            "BY": self._bars,
            "GB": self._box,
            "PQ": self._quantity,
            "PW": self._width,
            "LL": self._length,
            "CI": self._charset,
        }

    def read(self, content: str) -> Label:
        for match in re.finditer(r"([\^~])([^\^~]*)", content):
            self._take(match[2])
        self._finish()
        made = self._format
        unread = tuple(dict.fromkeys(made.unread))
        return Label(tuple(made.elements), made.quantity, made.width, made.length, unread)

    def _take(self, command: str) -> None:
        if command[:1] in ("A", "a"):
            self._font(command[1:])
            return
        name, rest = command[:2].upper(), command[2:]
        if name in ("FD", "FV"):
            self._field.data = rest
        elif name == "FH":
            self._field.indicator = rest.strip("\r\n")[:1] or "_"
        elif name in self._commands:
            self._commands[name](rest.strip().split(","))
        elif name in ("BX", "BC", "BQ"):
            self._field.barcode = (name, rest.strip().split(","))
        elif not (_SILENT.fullmatch(name) or _SILENT.fullmatch(name + rest.strip())):
            self._format.unread.append(f"^{name}")

    def _origin(self, arguments: list[str]) -> None:
        self._at(arguments, Anchor.CORNER)

    def _baseline(self, arguments: list[str]) -> None:
        self._at(arguments, Anchor.BASELINE)

    def _at(self, arguments: list[str], anchor: Anchor) -> None:
        home_x, home_y = self._format.home
        self._field.x = home_x + number(arguments[0])
        self._field.y = home_y + number(_argument(arguments, 1))
        self._field.anchor = anchor

    def _home(self, arguments: list[str]) -> None:
        self._format.home = (number(arguments[0]), number(_argument(arguments, 1)))

    def _orientation(self, arguments: list[str]) -> None:
        self._format.turn = _TURNS.get(arguments[0].upper(), 0)

    def _default_font(self, arguments: list[str]) -> None:
        height = number(_argument(arguments, 1), _FONT_HEIGHT)
        self._format.font = (height, number(_argument(arguments, 2)))

    def _font(self, rest: str) -> None:
        """^Afo,h,w"""
        arguments = rest.strip().split(",")
        height, width = self._format.font
        self._field.font = (
            arguments[0][:1],
            number(_argument(arguments, 1), height),
            number(_argument(arguments, 2), width if len(arguments) < 2 else 0),
        )
        self._field.turn = _TURNS.get(arguments[0][1:2].upper(), self._format.turn)

    def _bars(self, arguments: list[str]) -> None:
        """^BYw,r,h"""
        self._format.module = max(1, number(arguments[0], self._format.module))
        self._format.bar_height = number(_argument(arguments, 2), self._format.bar_height)

    def _box(self, arguments: list[str]) -> None:
        self._field.box = arguments

    def _quantity(self, arguments: list[str]) -> None:
        self._format.quantity = max(1, number(arguments[0], 1, most=99_999_999))

    def _width(self, arguments: list[str]) -> None:
        self._format.width = number(arguments[0]) or None

    def _length(self, arguments: list[str]) -> None:
        self._format.length = number(arguments[0]) or None

    def _charset(self, arguments: list[str]) -> None:
        self._format.charset = "utf-8" if arguments[0] == "28" else "cp850"

    def _finish(self) -> None:
        """^FS: what the field said so far is drawn."""
        state, self._field = self._field, _FieldState()
        self._format.elements += [*self._drawn_box(state), *self._drawn_data(state)]

    def _drawn_box(self, state: _FieldState) -> list[Element]:
        """^GBw,h,t,c,r"""
        if state.box is None:
            return []
        thickness = max(1, number(_argument(state.box, 2), 1))
        return [
            Box(
                self._place(state, 0),
                max(thickness, number(state.box[0], thickness)),
                max(thickness, number(_argument(state.box, 1), thickness)),
                thickness,
                is_white=_argument(state.box, 3).upper() == "W",
            )
        ]

    def _drawn_data(self, state: _FieldState) -> list[Element]:
        if state.data is None:
            return []
        data = self._decoded(state)
        if state.barcode is None:
            _, height, width = state.font or ("", *self._format.font)
            turn = self._format.turn if state.turn is None else state.turn
            return [Text(self._place(state, turn), data, height, width)]
        return self._drawn_barcode(state, *state.barcode, data)

    def _drawn_barcode(
        self, state: _FieldState, name: str, arguments: list[str], data: str
    ) -> list[Element]:
        turn = _TURNS.get(arguments[0].upper(), self._format.turn)
        place = self._place(state, turn)
        match name:
            case "BX":
                return self._matrix(place, arguments, data)
            case "BC":
                return self._code128(place, arguments, data)
            case _:
                return self._qr(replace(place, turn=0), arguments, data)

    def _matrix(self, place: Place, arguments: list[str], data: str) -> list[Element]:
        """^BXo,h,s,c,r,f,g"""
        if _argument(arguments, 2) != "200":
            self._format.unread.append("^BX of another quality than 200")
            return []
        symbol = matrix_symbol(data, _argument(arguments, 6) or "~")
        module = number(_argument(arguments, 1)) or max(1, self._format.bar_height // 20)
        kind = Symbology.DATAMATRIX
        return [Barcode(place, kind, symbol.content, symbol.is_gs1, module)]

    def _code128(self, place: Place, arguments: list[str], data: str) -> list[Element]:
        """^BCo,h,f,g,e,m"""
        if _argument(arguments, 5).upper() in ("U", "D"):
            self._format.unread.append("^BC in mode U or D")
            return []
        symbol = code128_symbol(data)
        height = number(_argument(arguments, 1)) or self._format.bar_height
        has_text = _argument(arguments, 2).upper() != "N"
        return [
            Barcode(
                place,
                Symbology.CODE128,
                symbol.content,
                symbol.is_gs1,
                self._format.module,
                height,
                has_text,
            )
        ]

    def _qr(self, place: Place, arguments: list[str], data: str) -> list[Element]:
        """^BQa,b,c,d,e; the data begin with the error level and the way of input."""
        if data[1:3].upper() != "A,":
            self._format.unread.append("^BQ with manual input")
            return []
        module = max(1, number(_argument(arguments, 2), 2))
        level = data[0].upper()
        return [
            Barcode(place, Symbology.QR, data[3:], is_gs1=False, module=module, error_level=level)
        ]

    def _place(self, state: _FieldState, turn: int) -> Place:
        return Place(state.x, state.y, cast(Turn, turn), state.anchor)

    def _decoded(self, state: _FieldState) -> str:
        """Line ends of the document are none of the field; hexadecimal may be anything."""
        raw = (state.data or "").replace("\r", "").replace("\n", "").encode("latin-1")
        if state.indicator is not None:
            sign = re.escape(state.indicator.encode("latin-1"))
            pattern = re.compile(sign + rb"([0-9A-Fa-f]{2})")
            raw = pattern.sub(lambda match: bytes([int(match[1], 16)]), raw)
        return raw.decode(self._format.charset, "replace")


def _argument(arguments: list[str], at: int) -> str:
    return arguments[at].strip() if at < len(arguments) else ""

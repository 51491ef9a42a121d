"""Reads TSPL as a printer does: for the preview and for the simulator, apart from the templates."""

import re
from collections.abc import Callable
from typing import cast

from drivers.printers.reading.escapes import matrix_symbol
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

_SILENT = re.compile(
    "GAP|BLINE|OFFSET|SPEED|DENSITY|DIRECTION|CODEPAGE|SET|HOME|FORMFEED|LIMITFEED|SHIFT|COUNTRY|"
    "SOUND|REM|CUT|BACKFEED|FEED|SELFTEST|GAPDETECT|AUTODETECT"
)
_STRING_SIGNS = {'"': '"', "R": "\r", "L": "\n"}
_BITMAP_FONTS = {"1": 12, "2": 20, "3": 24, "4": 32, "5": 48, "6": 19, "7": 27, "8": 25}
_MM_OF_INCH = 25.4


def read_tspl(document: bytes, dpmm: int = 8) -> tuple[Label, ...]:
    """One label for each PRINT; never raises."""
    return TsplReader(dpmm).read(document)


class TsplReader:
    """The image buffer, from one line to the next: a PRINT does not clear it, CLS does."""

    def __init__(self, dpmm: int = 8) -> None:
        self._dpmm = dpmm
        self._charset = "latin-1"
        self._width: int | None = None
        self._length: int | None = None
        self._origin = (0, 0)
        self._elements: list[Element] = []
        self._unread: list[str] = []
        self._commands: dict[str, Callable[[list[str]], None]] = {
            "TEXT": self._text,
            "BARCODE": self._barcode,
            "DMATRIX": self._matrix,
            "QRCODE": self._qr,
            "BOX": self._box,
            "BAR": self._bar,
            "SIZE": self._size,
            "REFERENCE": self._reference,
            "CLS": self._clear,
        }

    def read(self, document: bytes) -> tuple[Label, ...]:
        labels = (self.take(line) for line in document.split(b"\n"))
        return tuple(label for label in labels if label is not None)

    def take(self, raw: bytes) -> Label | None:
        """One line; a label where it is a PRINT."""
        if re.match(rb"\s*CODEPAGE\s+UTF-?8\s*$", raw, re.IGNORECASE):
            self._charset = "utf-8"
        line = raw.decode(self._charset, "replace").strip()
        name, _, rest = line.partition(" ")
        name = name.upper()
        if name == "PRINT":
            return self._printed(rest.split(","))
        if name in self._commands:
            self._commands[name](_arguments(rest))
        elif name and not _SILENT.fullmatch(name):
            self._unread.append(name[:20])
        return None

    def _printed(self, arguments: list[str]) -> Label:
        quantity = 1
        for argument in arguments[:2]:
            quantity *= max(1, number(argument, 1, most=999_999_999))
        unread = tuple(dict.fromkeys(self._unread))
        return Label(tuple(self._elements), quantity, self._width, self._length, unread)

    def _clear(self, _: list[str]) -> None:
        self._elements, self._unread = [], []

    def _size(self, arguments: list[str]) -> None:
        self._width = self._dots(arguments[0])
        self._length = self._dots(arguments[1]) if len(arguments) > 1 else None

    def _dots(self, text: str) -> int | None:
        match = re.fullmatch(r"([0-9]{1,4}(?:\.[0-9]{1,4})?)\s*(mm|dot)?", text.strip(), re.I)
        if match is None:
            return None
        scale = {"mm": self._dpmm, "dot": 1}.get((match[2] or "").lower())
        return round(float(match[1]) * (self._dpmm * _MM_OF_INCH if scale is None else scale))

    def _reference(self, arguments: list[str]) -> None:
        self._origin = (number(arguments[0]), number(_at(arguments, 1)))

    def _text(self, arguments: list[str]) -> None:
        """TEXT x,y,"font",rotation,x-multiplication,y-multiplication,"content" """
        font, content = _at(arguments, 2), arguments[-1]
        height = _BITMAP_FONTS.get(font)
        scale = number(_at(arguments, 5), 1)
        # Scalable fonts take the multiplication as points.
        points = round(scale * self._dpmm * _MM_OF_INCH / 72)
        place = self._place(arguments, _at(arguments, 3))
        size = points if height is None else height * max(1, scale)
        self._elements.append(Text(place, content, size))

    def _barcode(self, arguments: list[str]) -> None:
        """BARCODE x,y,"type",height,human readable,rotation,narrow,wide,"content" """
        kind = _at(arguments, 2).upper()
        if kind not in ("128", "EAN128"):
            self._unread.append(f"BARCODE {kind[:10]}")
            return
        self._elements.append(
            Barcode(
                self._place(arguments, _at(arguments, 5)),
                Symbology.CODE128,
                arguments[-1],
                is_gs1=kind == "EAN128",
                module=max(1, number(_at(arguments, 6), 2)),
                height=number(_at(arguments, 3), 80),
                has_text=_at(arguments, 4) not in ("", "0"),
            )
        )

    def _matrix(self, arguments: list[str]) -> None:
        """DMATRIX x,y,width,height,[c#,x#,r#,a#,row,col,]"content" """
        options = {a[0].lower(): a[1:] for a in arguments[4:-1] if a[:1].lower() in "cxra" and a}
        sign = chr(abs(number(options["c"], 126, most=126))) if "c" in options else None
        symbol = matrix_symbol(arguments[-1], sign)
        place = self._place(arguments, options.get("r", "0"))
        module = max(1, number(options.get("x", ""), 4))
        self._elements.append(
            Barcode(place, Symbology.DATAMATRIX, symbol.content, symbol.is_gs1, module)
        )

    def _qr(self, arguments: list[str]) -> None:
        """QRCODE x,y,level,cell,mode,rotation,[model,mask,]"content" """
        if _at(arguments, 4).upper() != "A":
            self._unread.append("QRCODE in mode M")
            return
        place = self._place(arguments, _at(arguments, 5))
        module, level = max(1, number(_at(arguments, 3), 4)), _at(arguments, 2).upper()
        self._elements.append(
            Barcode(place, Symbology.QR, arguments[-1], False, module, error_level=level)
        )

    def _box(self, arguments: list[str]) -> None:
        """BOX x,y,x end,y end,thickness"""
        place = self._place(arguments, "0")
        width = number(_at(arguments, 2)) + self._origin[0] - place.x
        height = number(_at(arguments, 3)) + self._origin[1] - place.y
        thickness = max(1, number(_at(arguments, 4), 1))
        self._elements.append(Box(place, max(width, thickness), max(height, thickness), thickness))

    def _bar(self, arguments: list[str]) -> None:
        """BAR x,y,width,height"""
        width = max(1, number(_at(arguments, 2), 1))
        height = max(1, number(_at(arguments, 3), 1))
        place = self._place(arguments, "0")
        self._elements.append(Box(place, width, height, max(width, height)))

    def _place(self, arguments: list[str], rotation: str) -> Place:
        turn = number(rotation) if number(rotation) in (0, 90, 180, 270) else 0
        x = self._origin[0] + number(_at(arguments, 0))
        y = self._origin[1] + number(_at(arguments, 1))
        return Place(x, y, cast(Turn, turn), Anchor.PIVOT)


def _arguments(rest: str) -> list[str]:
    """Cut at the commas outside of strings; a string ends at its next quotation mark that is not
    written as an escape, or with the line."""
    found, current, at, inside = [], "", 0, False
    while at < len(rest):
        escape = rest[at : at + 4] if inside else ""
        if escape[:2] == "\\[" and escape[3:] == "]" and escape[2] in _STRING_SIGNS:
            current += _STRING_SIGNS[escape[2]]
            at += 4
            continue
        character = rest[at]
        at += 1
        if character == '"':
            inside = not inside
        elif character == "," and not inside:
            found.append(current)
            current = ""
        elif inside or not character.isspace():
            current += character
    return [*found, current]


def _at(arguments: list[str], at: int) -> str:
    return arguments[at] if at < len(arguments) else ""

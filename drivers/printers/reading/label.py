"""What is on a label, whatever language said it. All measures in dots."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Turn = Literal[0, 90, 180, 270]


class Anchor(StrEnum):
    """What a field's position means: the upper left corner of what is drawn, however it is turned;
    the pivot around which its upper left corner turns; or the pivot at its lower left corner."""

    CORNER = "CORNER"
    PIVOT = "PIVOT"
    BASELINE = "BASELINE"


class Symbology(StrEnum):
    DATAMATRIX = "DATAMATRIX"
    QR = "QR"
    CODE128 = "CODE128"


@dataclass(frozen=True, slots=True)
class Place:
    x: int
    y: int
    turn: Turn = 0
    anchor: Anchor = Anchor.CORNER


@dataclass(frozen=True, slots=True)
class Text:
    """`width` 0 follows the height."""

    place: Place
    content: str
    height: int
    width: int = 0


@dataclass(frozen=True, slots=True)
class Barcode:
    """`content` is what a reader gives, with GS; `is_gs1`: it begins with FNC1. `height` counts for
    bars only."""

    place: Place
    symbology: Symbology
    content: str
    is_gs1: bool
    module: int
    height: int = 0
    has_text: bool = False
    error_level: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """Filled where `thickness` reaches the middle."""

    place: Place
    width: int
    height: int
    thickness: int
    is_white: bool = False


Element = Text | Barcode | Box


@dataclass(frozen=True, slots=True)
class Label:
    """`width` and `length` where the document says them. `unread`: commands that mark the label
    and that this reader does not know."""

    elements: tuple[Element, ...]
    quantity: int = 1
    width: int | None = None
    length: int | None = None
    unread: tuple[str, ...] = ()

    @property
    def texts(self) -> list[str]:
        return [element.content for element in self.elements if isinstance(element, Text)]

    @property
    def barcodes(self) -> list[Barcode]:
        return [element for element in self.elements if isinstance(element, Barcode)]


def number(text: str, default: int = 0, most: int = 32_000) -> int:
    """A whole number of dots as printers read it: what is none is the default."""
    digits = text.strip().partition(".")[0]
    negative = digits.startswith("-")
    digits = digits.removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 9:
        return default
    return max(-most, min(most, -int(digits) if negative else int(digits)))

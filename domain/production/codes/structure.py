"""What a marking code is made of: elements as data, and the anchored patterns built from them."""

import re
from dataclasses import dataclass
from enum import StrEnum

GS = "\x1d"


class Part(StrEnum):
    """What an element means; only GTIN and SERIAL make the identity."""

    GTIN = "gtin"
    SERIAL = "serial"
    SSCC = "sscc"
    PROOF = "proof"
    OTHER = "other"


class Characters(StrEnum):
    """The two alphabets of GS1 values. Neither holds 0x1D: a serial must not swallow it."""

    NUMERIC = "numeric"
    SET82 = "set82"


_CLASSES = {Characters.NUMERIC: "[0-9]", Characters.SET82: '[!"%-?A-Z_a-z]'}
ONLY_SET82 = re.compile('[!"%-?A-Z_a-z\x1d]*')


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a code.

    `ai` is an Application Identifier, empty for a positional element, or ends in `n` (`335n`) where
    the fourth digit tells decimals (0-5). `name` is the key of a positional element in a reading.
    `after_gs`: a GS stands before it.
    """

    part: Part
    min_length: int
    max_length: int
    ai: str = ""
    characters: Characters = Characters.SET82
    after_gs: bool = False
    optional: bool = False
    name: str = ""

    @property
    def key(self) -> str:
        return self.ai or self.name or self.part.value

    @property
    def is_fixed(self) -> bool:
        return self.min_length == self.max_length and not self.optional

    @property
    def is_template(self) -> bool:
        return self.ai.endswith("n")

    @property
    def _value_pattern(self) -> str:
        return f"{_CLASSES[self.characters]}{{{self.min_length},{self.max_length}}}"

    def pattern(self, *, with_gs: bool) -> str:
        """Regular expression with one group: the value."""
        ai = re.sub("n$", "[0-5]", self.ai)
        whole = f"{GS if self.after_gs and with_gs else ''}{ai}({self._value_pattern})"
        return f"(?:{whole})?" if self.optional else whole

    def takes(self, value: str) -> bool:
        """Whether `value` is one of this element, whatever its check digit."""
        return re.fullmatch(self._value_pattern, value) is not None

    def lengths(self, *, with_gs: bool) -> set[int]:
        head = len(self.ai) + (self.after_gs and with_gs)
        some = {head + n for n in range(self.min_length, self.max_length + 1)}
        return some | {0} if self.optional else some


def text(
    part: Part, length: int, ai: str = "", *, after_gs: bool = False, name: str = ""
) -> Element:
    """An element of exactly `length` characters."""
    return Element(part, length, length, ai, after_gs=after_gs, name=name)


def digits(part: Part, length: int, ai: str = "", *, after_gs: bool = False) -> Element:
    """An element of exactly `length` digits."""
    return Element(part, length, length, ai, Characters.NUMERIC, after_gs=after_gs)


def can_lose_gs(elements: tuple[Element, ...]) -> bool:
    """Whether the code has GS places and can still be cut in one way only without them."""
    has_places = any(element.after_gs for element in elements)
    return has_places and all(element.is_fixed for element in elements[:-1])


def total_lengths(elements: tuple[Element, ...], *, with_gs: bool) -> frozenset[int]:
    totals = {0}
    for element in elements:
        some = element.lengths(with_gs=with_gs)
        totals = {total + length for total in totals for length in some}
    return frozenset(totals)

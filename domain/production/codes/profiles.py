"""Profiles: what the codes of a product group look like, as data."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from domain.kernel.clock import EPOCH
from domain.production.codes.structure import Element, Part


class CheckDigitPolicy(StrEnum):
    """STRICT refuses a failed check digit, WARN accepts with a warning, OFF does not look."""

    STRICT = "strict"
    WARN = "warn"
    OFF = "off"


class Confidence(StrEnum):
    """How well a structure is known.

    HIGH: fits real codes. MEDIUM: described by several sources. DOCUMENTED: from a document only,
    or so loose that it proves nothing; such a profile never claims a code of another industry.
    """

    HIGH = "high"
    MEDIUM = "medium"
    DOCUMENTED = "documented"


class Industry(StrEnum):
    """The shipped industries; user profiles may name more."""

    MILK = "milk"
    WATER = "water"
    TOBACCO = "tobacco"
    BEER = "beer"
    SUPPLEMENTS = "supplements"
    CLOTHING = "clothing"
    MEDICINES = "medicines"
    SHOES = "shoes"
    PHOTO = "photo"
    GENERIC = "generic"


@dataclass(frozen=True, slots=True)
class CodeProfile:
    """One product group's code.

    `check_digit` None leaves the policy to the industry. `everywhere`: readable in all industries.
    `is_open`: with separators, other elements may come before, between and behind its own.
    `valid_from` and `valid_until` are UTC days, both inclusive.
    """

    name: str
    description: str
    industries: tuple[str, ...]
    elements: tuple[Element, ...]
    confidence: Confidence
    check_digit: CheckDigitPolicy | None = None
    everywhere: bool = False
    is_open: bool = False
    valid_from: date | None = None
    valid_until: date | None = None

    @property
    def is_pallet(self) -> bool:
        return any(element.part is Part.SSCC for element in self.elements)

    def valid_on(self, at: int | date) -> bool:
        """`at` is microseconds since the epoch, a UTC day, or an aware time."""
        if self.valid_from is None and self.valid_until is None:
            return True
        day = _utc_day(at)
        return (self.valid_from or date.min) <= day <= (self.valid_until or date.max)


def _utc_day(at: int | date) -> date:
    if isinstance(at, int):
        return (EPOCH + timedelta(microseconds=at)).date()
    return at.astimezone(UTC).date() if isinstance(at, datetime) else at

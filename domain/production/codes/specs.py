"""Users' own profiles: data that is validated, never code or a pattern."""

from datetime import date
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from domain.kernel.errors import ValidationFailed
from domain.production.codes.normalise import MAX_LENGTH
from domain.production.codes.profiles import CheckDigitPolicy, CodeProfile, Confidence
from domain.production.codes.structure import Characters, Element, Part, total_lengths

_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
_Ai = Annotated[str, Field(pattern=r"^(|[0-9]{2,4}|[0-9]{3}n)$")]
_Key = Annotated[str, Field(pattern=r"^[a-z_]{0,30}$")]
_Length = Annotated[int, Field(ge=1, le=MAX_LENGTH)]
_STRICT_MODEL = ConfigDict(extra="forbid", frozen=True)


class ElementSpec(BaseModel):
    """One element in reading order; `min_length` left out means exactly `length`."""

    model_config = _STRICT_MODEL

    part: Part
    length: _Length
    min_length: _Length | None = None
    ai: _Ai = ""
    characters: Characters = Characters.SET82
    after_gs: bool = False
    optional: bool = False
    name: _Key = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.min_length is not None and self.min_length > self.length:
            raise ValueError("min_length is above length")
        if self.part is Part.GTIN and (self.length, self.min_length) not in _exactly(14):
            raise ValueError("a GTIN has 14 digits inside a code")
        if self.part is Part.SSCC and (self.length, self.min_length) not in _exactly(18):
            raise ValueError("an SSCC has 18 digits")
        if self.part in (Part.GTIN, Part.SERIAL, Part.PROOF) and self.optional:
            raise ValueError("only other parts may be optional")
        return self

    def element(self) -> Element:
        numeric = self.part in (Part.GTIN, Part.SSCC)
        return Element(
            part=self.part,
            min_length=self.length if self.min_length is None else self.min_length,
            max_length=self.length,
            ai=self.ai,
            characters=Characters.NUMERIC if numeric else self.characters,
            after_gs=self.after_gs,
            optional=self.optional,
            name=self.name,
        )


class CodeProfileSpec(BaseModel):
    """A user's profile. The check digit is enforced or warned of, never switched off."""

    model_config = _STRICT_MODEL

    name: _Name
    description: str = Field(default="", max_length=500)
    industries: tuple[_Name, ...] = Field(min_length=1, max_length=50)
    elements: tuple[ElementSpec, ...] = Field(min_length=1, max_length=20)
    confidence: Confidence = Confidence.MEDIUM
    check_digit: Literal["strict", "warn"] | None = None
    valid_from: date | None = None
    valid_until: date | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        for problem in _problems(tuple(spec.element() for spec in self.elements)):
            raise ValueError(problem)
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise ValueError("valid_from is after valid_until")
        return self

    def profile(self) -> CodeProfile:
        return CodeProfile(
            name=self.name,
            description=self.description,
            industries=self.industries,
            elements=tuple(spec.element() for spec in self.elements),
            confidence=self.confidence,
            check_digit=CheckDigitPolicy(self.check_digit) if self.check_digit else None,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
        )


_SPECS = TypeAdapter(list[CodeProfileSpec])


def load_profiles(data: object) -> tuple[CodeProfile, ...]:
    """Profiles from a JSON-able list. Raises ValidationFailed, naming the first wrong place."""
    try:
        specs = _SPECS.validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ValidationFailed(f"profiles.{place}".rstrip("."), first["msg"]) from error
    names = [spec.name for spec in specs]
    if len(set(names)) < len(names):
        raise ValidationFailed("profiles", "two profiles of one name")
    return tuple(spec.profile() for spec in specs)


def _exactly(length: int) -> tuple[tuple[int, int | None], ...]:
    return (length, None), (length, length)


def _problems(elements: tuple[Element, ...]) -> list[str]:
    """Why these elements cannot be read in one way only."""
    parts = [element.part for element in elements]
    keys = [element.key for element in elements]
    checks = (
        (_is_product(parts) or parts == [Part.SSCC], "needs one gtin first and one serial"),
        (not elements[0].after_gs, "a code cannot begin with a separator"),
        (len(set(keys)) == len(keys), "two elements of one AI or name"),
        (sum(e.is_template for e in elements) <= 1, "only one AI may leave its digit open"),
        (_is_cut_one_way(elements), "an element of open length must be last or before a GS"),
        (max(total_lengths(elements, with_gs=True)) <= MAX_LENGTH, "longer than a code may be"),
    )
    return [problem for holds, problem in checks if not holds]


def _is_product(parts: list[Part]) -> bool:
    once = all(parts.count(part) == 1 for part in (Part.GTIN, Part.SERIAL))
    return once and parts[0] is Part.GTIN and Part.SSCC not in parts


def _is_cut_one_way(elements: tuple[Element, ...]) -> bool:
    settled = all(one.is_fixed or after.after_gs for one, after in pairwise(elements))
    return settled and not any(element.optional for element in elements[:-1])

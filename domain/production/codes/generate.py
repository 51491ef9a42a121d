"""Valid codes by profile, for simulators, the mock route and tests; their proofs are random."""

import string
from random import Random

from domain.kernel.errors import ValidationFailed
from domain.production.codes.gs1 import check_digit, gtin14, passes_mod10
from domain.production.codes.profiles import CodeProfile
from domain.production.codes.structure import (
    GS,
    Characters,
    Element,
    Part,
    can_lose_gs,
)

# Set 82 without `<`, `(` and `)`: random text must not spell a literal `<GS>` or a bracketed AI.
_SET82 = string.digits + string.ascii_letters + "!\"%&'*+,-./_:;=>?"
_ALPHABETS = {Characters.NUMERIC: string.digits, Characters.SET82: _SET82}
_COMPANY = "0460000"

# Elements of open length are drawn this short, so that a `generic` code cannot look like another
# profile's code that lost its GS.
_OPEN_LENGTH = 10


def generate_code(
    profile: CodeProfile,
    rng: Random,
    gtin: str | None = None,
    serial: str | None = None,
    *,
    with_gs: bool = True,
) -> str:
    """A code that the profile's own industry accepts.

    `gtin` has 8, 12, 13 or 14 digits with a check digit that holds; `serial` fits the profile; what
    is not given is random. Raises ValidationFailed; so does leaving out the GS of a profile that
    cannot be read without.
    """
    if not with_gs and any(e.after_gs for e in profile.elements):
        _require(can_lose_gs(profile.elements), "profile", "cannot be read without separators")
    given = {Part.GTIN: _checked_gtin(gtin), Part.SERIAL: serial}
    pieces = []
    for element in profile.elements:
        if element.optional and rng.random() < 0.5:
            continue
        value = given.get(element.part) or _value(element, rng)
        _require(element.takes(value), element.part.value, "does not fit the profile")
        ai = element.ai.replace("n", str(rng.randrange(6)))
        pieces.append(f"{GS if element.after_gs and with_gs else ''}{ai}{value}")
    return "".join(pieces)


def _value(element: Element, rng: Random) -> str:
    if element.part is Part.GTIN:
        return _with_check_digit(_COMPANY + _random(Characters.NUMERIC, 6, rng))
    if element.part is Part.SSCC:
        return _with_check_digit(_random(Characters.NUMERIC, 17, rng))
    longest = max(element.min_length, min(element.max_length, _OPEN_LENGTH))
    return _random(element.characters, rng.randint(element.min_length, longest), rng)


def _random(characters: Characters, length: int, rng: Random) -> str:
    return "".join(rng.choices(_ALPHABETS[characters], k=length))


def _with_check_digit(body: str) -> str:
    return body + check_digit(body)


def _checked_gtin(gtin: str | None) -> str | None:
    if gtin is None:
        return None
    padded = gtin14(gtin)
    _require(passes_mod10(padded), "gtin", "check digit does not match")
    return padded


def _require(holds: bool, field: str, reason: str) -> None:
    if not holds:
        raise ValidationFailed(field, reason)

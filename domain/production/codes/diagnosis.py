"""Why a code is not accepted, and which of several fits it is. Off the fast path."""

import re
from datetime import date
from typing import NamedTuple

from domain.production.codes.catalogue import ProfileCatalogue
from domain.production.codes.forms import Fit, Matcher
from domain.production.codes.profiles import CheckDigitPolicy, Industry
from domain.production.codes.reasons import CodeReason
from domain.production.codes.structure import ONLY_SET82
from domain.production.codes.syntax import Elements

_GTIN_HEAD = re.compile("01[0-9]{14}")


class Refusal(NamedTuple):
    """`candidates` are profile names, `about` is what the message names."""

    reason: CodeReason
    candidates: tuple[str, ...] = ()
    about: tuple[str, ...] = ()


def choose(fits: list[Fit], at: int | date) -> Fit | Refusal:
    """The one fit to accept, of at least one.

    Check digits that hold go before those that a WARN policy lets pass. With separators all fits
    cut the code alike, so the first profile names it; without them two fits are two readings.
    """
    live = [fit for fit in fits if fit.valid_on(at)]
    if not live:
        return _refusal(CodeReason.OUT_OF_DATE, fits)
    good = [fit for fit in live if fit.good]
    good = good or [fit for fit in live if fit.policy is CheckDigitPolicy.WARN]
    if not good:
        return _refusal(CodeReason.BAD_CHECK_DIGIT, live)
    if len(good) > 1 and not good[0].form.separated:
        return _refusal(CodeReason.AMBIGUOUS, good)
    return good[0]


def of_text(text: str, industry: str, catalogue: ProfileCatalogue, at: int | date) -> Refusal:
    """For text that fits no profile of the industry and cannot be cut into elements."""
    claim = _claim(text, industry, catalogue, at)
    return claim or Refusal(_of_shape(text, catalogue.matcher(industry)))


def of_elements(
    text: str, split: Elements, industry: str, catalogue: ProfileCatalogue, at: int | date
) -> Refusal:
    """For text with separators that fits no profile of the industry."""
    claim = _claim(text if split.fault else split.canonical, industry, catalogue, at)
    if claim is not None:
        return claim
    fault = split.fault or _missing(split.values)
    matcher = catalogue.matcher(industry)
    shape = _of_shape(text, matcher)
    # A wrong length tells more than the value that was cut off by it, where lengths are known.
    cut_off = fault is CodeReason.BAD_VALUE and shape is CodeReason.BAD_LENGTH
    return Refusal(shape if fault is None or (cut_off and not matcher.open_profile) else fault)


def _claim(text: str, industry: str, catalogue: ProfileCatalogue, at: int | date) -> Refusal | None:
    claims = catalogue.claims_of_others(text, industry, at)
    if not claims:
        return None
    industries = tuple(
        dict.fromkeys(n for p in claims for n in p.industries if n != Industry.GENERIC)
    )
    names = tuple(profile.name for profile in claims)
    return Refusal(CodeReason.WRONG_INDUSTRY, names, industries)


def _missing(values: dict[str, str]) -> CodeReason | None:
    if "01" not in values:
        return CodeReason.NO_GTIN
    return None if "21" in values else CodeReason.NO_SERIAL


def _of_shape(text: str, matcher: Matcher) -> CodeReason:
    if not matcher.takes_length(text):
        return CodeReason.BAD_LENGTH
    if not ONLY_SET82.fullmatch(text):
        return CodeReason.BAD_CHARACTER
    if not _GTIN_HEAD.match(text):
        return CodeReason.NO_GTIN
    return CodeReason.NO_PROFILE if text[16:18] == "21" else CodeReason.NO_SERIAL


def _refusal(reason: CodeReason, fits: list[Fit]) -> Refusal:
    names = tuple(fit.form.profile.name for fit in fits)
    return Refusal(reason, names, () if reason is CodeReason.BAD_CHECK_DIGIT else names)

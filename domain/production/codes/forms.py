"""Compiled forms of a profile (with GS, without) and the search for those that a text fits."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from domain.production.codes.gs1 import passes_mod10
from domain.production.codes.profiles import CheckDigitPolicy, CodeProfile
from domain.production.codes.structure import Part, can_lose_gs, total_lengths

MOST_COMPILED: Final = 1_000
"""Profiles of a process; all catalogues share them."""


class Parts(NamedTuple):
    """What a fitting code says; a pallet has only `sscc`, a product never has it."""

    gtin: str | None
    serial: str | None
    sscc: str | None
    proof: str
    elements: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """One way of writing a profile's codes. Group n of `pattern` is the value of element n - 1."""

    profile: CodeProfile
    pattern: re.Pattern[str]
    lengths: frozenset[int]
    separated: bool
    gs_lost: bool
    keys: tuple[str, ...]
    gtin_group: int
    serial_group: int
    sscc_group: int
    proof_first: int
    proof_last: int
    proof_ai_width: int
    template_group: int

    def parts(self, match: re.Match[str]) -> Parts:
        pairs = zip(self.keys, match.groups(), strict=True)
        elements = {key: value for key, value in pairs if value is not None}
        if self.template_group:
            self._name_template(match, elements)
        gtin = match[self.gtin_group] if self.gtin_group else None
        serial = match[self.serial_group] if self.serial_group else None
        sscc = match[self.sscc_group] if self.sscc_group else None
        return Parts(gtin, serial, sscc, self._proof(match), elements)

    def check_digit_holds(self, match: re.Match[str]) -> bool:
        return passes_mod10(match[self.gtin_group or self.sscc_group])

    def _proof(self, match: re.Match[str]) -> str:
        if not self.proof_first:
            return ""
        start = match.start(self.proof_first) - self.proof_ai_width
        return match.string[start : match.end(self.proof_last)]

    def _name_template(self, match: re.Match[str], elements: dict[str, str]) -> None:
        start = match.start(self.template_group)
        value = elements.pop(self.keys[self.template_group - 1], None)
        if value is not None:
            elements[match.string[start - 4 : start]] = value


@lru_cache(MOST_COMPILED)
def compile_forms(profile: CodeProfile) -> tuple[Form, ...]:
    """The form as printed, and the one that a scanner leaves when it drops every GS."""
    printed = _compile(profile, with_gs=True)
    if not can_lose_gs(profile.elements):
        return (printed,)
    return (printed, _compile(profile, with_gs=False))


def _compile(profile: CodeProfile, *, with_gs: bool) -> Form:
    elements = profile.elements
    groups = {part: [n for n, e in enumerate(elements, 1) if e.part is part] for part in Part}
    proofs = groups[Part.PROOF] or [0]
    has_places = any(element.after_gs for element in elements)
    return Form(
        profile=profile,
        pattern=re.compile("".join(e.pattern(with_gs=with_gs) for e in elements)),
        lengths=total_lengths(elements, with_gs=with_gs),
        separated=has_places and with_gs,
        gs_lost=has_places and not with_gs,
        keys=tuple(element.key for element in elements),
        gtin_group=next(iter(groups[Part.GTIN]), 0),
        serial_group=next(iter(groups[Part.SERIAL]), 0),
        sscc_group=next(iter(groups[Part.SSCC]), 0),
        proof_first=proofs[0],
        proof_last=proofs[-1],
        proof_ai_width=len(elements[proofs[0] - 1].ai) if proofs[0] else 0,
        template_group=next((n for n, e in enumerate(elements, 1) if e.is_template), 0),
    )


class Fit(NamedTuple):
    """A form whose structure the text has; `good` tells of the check digit, True under OFF."""

    form: Form
    match: re.Match[str]
    good: bool
    policy: CheckDigitPolicy

    def valid_on(self, at: int | date) -> bool:
        return self.form.profile.valid_on(at)


class Matcher:
    """The forms of some profiles, in order, found by the length of a text."""

    def __init__(self, profiles: Iterable[CodeProfile], policy: CheckDigitPolicy) -> None:
        self.profiles = tuple(profiles)
        self.policy = policy
        self.open_profile = next((p for p in self.profiles if p.is_open), None)
        self._by_length: dict[int, list[Form]] = {}
        for form in (form for profile in self.profiles for form in compile_forms(profile)):
            for length in form.lengths:
                self._by_length.setdefault(length, []).append(form)

    def fits(self, text: str) -> list[Fit]:
        """Every form that the whole text has, whatever its check digit and date."""
        found = []
        for form in self._by_length.get(len(text), ()):
            match = form.pattern.fullmatch(text)
            if match is not None:
                found.append(self._fit(form, match))
        return found

    def takes_length(self, text: str) -> bool:
        """Whether a product's code may be this long; labels of pallets do not count."""
        forms = self._by_length.get(len(text), ())
        return any(not form.profile.is_pallet for form in forms)

    def _fit(self, form: Form, match: re.Match[str]) -> Fit:
        policy = form.profile.check_digit or self.policy
        good = policy is CheckDigitPolicy.OFF or form.check_digit_holds(match)
        return Fit(form, match, good, policy)

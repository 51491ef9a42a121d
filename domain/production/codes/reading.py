"""From what a scanner sent to a verdict. Accepting a well-formed code takes one pattern match."""

from dataclasses import dataclass
from datetime import date

from domain.production.codes.catalogue import ProfileCatalogue
from domain.production.codes.diagnosis import Refusal, choose, of_elements, of_text
from domain.production.codes.forms import Fit, Matcher, Parts
from domain.production.codes.gs1 import passes_mod10
from domain.production.codes.no_reads import DEFAULT_NO_READS, NoReads
from domain.production.codes.normalise import MAX_LENGTH, Normalised, normalise
from domain.production.codes.profiles import CheckDigitPolicy, CodeProfile
from domain.production.codes.reasons import CodeReason
from domain.production.codes.structure import GS, ONLY_SET82
from domain.production.codes.syntax import Elements, split_elements
from domain.production.codes.verdict import Reading, accepted, refused

_PROOF_AIS = ("91", "92", "93")


def read_code(
    raw: str,
    industry: str,
    catalogue: ProfileCatalogue,
    at: int | date,
    *,
    no_reads: NoReads = DEFAULT_NO_READS,
    gs_substitute: str = "",
) -> Reading:
    """Judges one frame as a code of `industry` at a moment (microseconds UTC, or a UTC day).

    Raises ValidationFailed for an industry that the catalogue does not have, and for no `raw`.
    """
    matcher = catalogue.matcher(industry)
    if no_reads.covers(raw):
        return refused(raw, CodeReason.NO_READ)
    # A fit proves that the text is normalised already, but for a literal `<GS>` or a substitute.
    if "<" not in raw and not gs_substitute:
        fits = matcher.fits(raw)
        if len(fits) == 1 and fits[0].good and fits[0].valid_on(at):
            form = fits[0].form
            parts = form.parts(fits[0].match)
            return accepted(raw, raw, form.profile, parts, gs_lost=form.gs_lost)
    sent_as = normalise(raw, gs_substitute)
    return _Desk(raw, sent_as, industry, matcher, catalogue, at).judge()


@dataclass(frozen=True, slots=True)
class _Desk:
    """One frame and all that it is held against."""

    raw: str
    sent_as: Normalised
    industry: str
    matcher: Matcher
    catalogue: ProfileCatalogue
    at: int | date

    def judge(self) -> Reading:
        text = self.sent_as.text
        if not text:
            return self._refuse(Refusal(CodeReason.EMPTY))
        if len(text) > MAX_LENGTH:
            return self._refuse(Refusal(CodeReason.BAD_LENGTH))
        fits = self.matcher.fits(text)
        if fits:
            return self._settle(text, fits)
        if GS in text and ONLY_SET82.fullmatch(text):
            return self._judge_elements(split_elements(text))
        return self._refuse(of_text(text, self.industry, self.catalogue, self.at))

    def _judge_elements(self, split: Elements) -> Reading:
        """No profile fits as it stands: a superfluous GS, an open profile, or a fault."""
        if split.fault is None:
            fits = self.matcher.fits(split.canonical)
            if fits:
                return self._settle(split.canonical, fits)
            open_profile = self.matcher.open_profile
            if open_profile is not None and {"01", "21"} <= split.values.keys():
                return self._read_open(split, open_profile)
        text = self.sent_as.text
        return self._refuse(of_elements(text, split, self.industry, self.catalogue, self.at))

    def _settle(self, text: str, fits: list[Fit]) -> Reading:
        choice = choose(fits, self.at)
        if isinstance(choice, Refusal):
            return self._refuse(choice)
        form = choice.form
        return accepted(
            self.raw,
            text,
            form.profile,
            form.parts(choice.match),
            gs_lost=form.gs_lost,
            check_digit_held=choice.good,
            sent_as=self.sent_as,
        )

    def _read_open(self, split: Elements, profile: CodeProfile) -> Reading:
        holds = passes_mod10(split.values["01"])
        if not holds and self.matcher.policy is CheckDigitPolicy.STRICT:
            return self._refuse(Refusal(CodeReason.BAD_CHECK_DIGIT, (profile.name,)))
        return accepted(
            self.raw,
            split.canonical,
            profile,
            _open_parts(split.values),
            check_digit_held=holds,
            sent_as=self.sent_as,
        )

    def _refuse(self, refusal: Refusal) -> Reading:
        return refused(self.raw, *refusal, sent_as=self.sent_as)


def _open_parts(values: dict[str, str]) -> Parts:
    proof = GS.join(f"{ai}{value}" for ai, value in values.items() if ai in _PROOF_AIS)
    return Parts(values["01"], values["21"], None, proof, values)

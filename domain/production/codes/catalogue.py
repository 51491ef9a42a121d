"""Which profiles an industry reads, in which order, and how strict it is about check digits."""

from collections.abc import Iterable, Mapping
from datetime import date

from domain.kernel.errors import NotFound, ValidationFailed
from domain.production.codes.forms import Fit, Matcher
from domain.production.codes.profiles import CheckDigitPolicy, CodeProfile, Confidence, Industry
from domain.production.codes.shipped import SHIPPED
from domain.production.codes.specs import load_profiles


class ProfileCatalogue:
    """Immutable; a change gives a new catalogue. All patterns are compiled when it is made.

    A user's profile that names an unknown industry makes it, with STRICT check digits.
    """

    def __init__(
        self,
        profiles: Iterable[CodeProfile] = SHIPPED,
        policies: Mapping[str, CheckDigitPolicy] | None = None,
    ) -> None:
        self._profiles = {profile.name: profile for profile in profiles}
        named = dict.fromkeys(n for p in self._profiles.values() for n in p.industries)
        self._industries = tuple(dict.fromkeys([*Industry, *named]))
        self._policies = dict(policies or {})
        self._matchers = {name: self._compile(name) for name in self._industries}
        known = (p for p in self._profiles.values() if p.confidence is not Confidence.DOCUMENTED)
        self._known = Matcher(known, CheckDigitPolicy.STRICT)

    @property
    def industries(self) -> tuple[str, ...]:
        return self._industries

    @property
    def profiles(self) -> tuple[CodeProfile, ...]:
        return tuple(self._profiles.values())

    def profile(self, name: str) -> CodeProfile:
        """Raises NotFound."""
        if name not in self._profiles:
            raise NotFound("Code profile", name)
        return self._profiles[name]

    def matcher(self, industry: str) -> Matcher:
        """Raises ValidationFailed for an industry that nobody defined."""
        try:
            return self._matchers[industry]
        except KeyError:
            raise ValidationFailed(
                "industry", "unknown industry", known=list(map(str, self._industries))
            ) from None

    def profiles_of(self, industry: str) -> tuple[CodeProfile, ...]:
        """In reading order; the first is the industry's main profile."""
        return self.matcher(industry).profiles

    def policy(self, industry: str) -> CheckDigitPolicy:
        return self.matcher(industry).policy

    def with_policy(self, industry: str, policy: CheckDigitPolicy) -> "ProfileCatalogue":
        """STRICT or WARN; a whole industry cannot switch the check off."""
        self.matcher(industry)
        _refuse_off(policy)
        return ProfileCatalogue(self.profiles, {**self._policies, industry: policy})

    def with_user_profiles(self, data: object) -> "ProfileCatalogue":
        """Adds profiles given as a JSON-able list (see `CodeProfileSpec`).

        Raises ValidationFailed; a name that exists is refused.
        """
        added = load_profiles(data)
        taken = sorted({p.name for p in added} & self._profiles.keys())
        if taken:
            raise ValidationFailed("profiles", "name already taken", names=taken)
        return ProfileCatalogue((*self.profiles, *added), self._policies)

    def claims_of_others(self, text: str, industry: str, at: int | date) -> list[CodeProfile]:
        """Profiles that this industry does not read and that `text` fits, check digit included.

        A positional mask does not claim what plainly begins with AI 01 and 21: one GTIN in ten
        would pass its check digit by chance.
        """
        own = self.matcher(industry).profiles
        fits = (fit for fit in self._known.fits(text) if fit.good and fit.valid_on(at))
        others = (fit for fit in fits if fit.form.profile not in own)
        return [fit.form.profile for fit in others if not _is_chance(fit, text)]

    def _compile(self, industry: str) -> Matcher:
        readable = (p for p in self.profiles if p.everywhere or industry in p.industries)
        policy = self._policies.get(industry, CheckDigitPolicy.STRICT)
        return Matcher(readable, policy)


def _is_chance(fit: Fit, text: str) -> bool:
    return fit.form.keys[0] != "01" and text.startswith("01") and text[16:18] == "21"


def _refuse_off(policy: CheckDigitPolicy) -> None:
    if policy is CheckDigitPolicy.OFF:
        raise ValidationFailed("checkDigit", "must be strict or warn")


DEFAULT_CATALOGUE = ProfileCatalogue()

"""Which version an endpoint is offered (the over-the-air orchestrator's rule)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.software.models import ReleaseState, RolloutStrategy
from domain.software.rules.versions import rank


def strategy_of(state: ReleaseState, is_targeted: bool) -> RolloutStrategy:
    """A draft is offered to nobody yet."""
    if state is not ReleaseState.PUBLISHED:
        return RolloutStrategy.SUSPENDED
    return RolloutStrategy.TARGETED if is_targeted else RolloutStrategy.GENERAL


@dataclass(frozen=True, slots=True)
class OfferFilter:
    """`matches`: whether the endpoint is one that the saved query finds."""

    matches: bool
    active_from_us: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version as its owner published it. `needs_file`: not before its file is uploaded."""

    version: str
    upgradable_from: frozenset[str]
    is_suspended: bool = False
    is_general: bool = True
    needs_file: bool = False
    has_file: bool = False
    filters: tuple[OfferFilter, ...] = field(default=())


def offered(candidates: Iterable[Candidate], current: str, now_us: int) -> Candidate | None:
    """The highest that may be installed over `current` now: one hop, never a way of several."""
    eligible = [one for one in candidates if is_eligible(one, current, now_us)]
    return max(eligible, key=lambda one: rank(one.version), default=None)


def is_eligible(one: Candidate, current: str, now_us: int) -> bool:
    if one.is_suspended or current not in one.upgradable_from:
        return False
    if one.needs_file and not one.has_file:
        return False
    return one.is_general or any(
        part.matches and (part.active_from_us is None or part.active_from_us <= now_us)
        for part in one.filters
    )

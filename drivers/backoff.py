"""How long to wait before trying a lost peer again."""

from collections.abc import Callable
from dataclasses import dataclass
from random import SystemRandom

_uniform = SystemRandom().random


@dataclass(frozen=True, slots=True)
class BackoffPolicy:
    """Exponential with full jitter: devices lost together do not come back in one burst.

    `base_s` is about what a device needs to reopen its port after a cable was pulled. `cap_s` is
    how long a person who has just repaired something will wait. `floor_s` keeps jitter near zero
    from becoming a busy loop. A connection younger than `stable_s` does not reset the count, so
    that a peer that accepts and drops at once is not hammered.
    """

    base_s: float = 0.5
    cap_s: float = 15.0
    floor_s: float = 0.05
    stable_s: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.floor_s <= self.base_s <= self.cap_s or self.stable_s < 0:
            raise ValueError("0 < floor_s <= base_s <= cap_s and 0 <= stable_s must hold")

    def delay_s(self, failures: int, uniform: Callable[[], float] = _uniform) -> float:
        """The wait after that many failures in a row; `uniform` draws from [0, 1)."""
        return max(self.floor_s, jittered_s(self.base_s, self.cap_s, failures, uniform))


def jittered_s(
    base_s: float, cap_s: float, failures: int, uniform: Callable[[], float] = _uniform
) -> float:
    """From 0 to `base_s` after the first failure, twice as far after each more, up to `cap_s`."""
    # Past 2**32 the cap has long been reached and the power would overflow a float.
    return min(cap_s, base_s * 2.0 ** min(max(failures - 1, 0), 32)) * uniform()

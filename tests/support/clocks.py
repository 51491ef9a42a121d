"""A clock that a test moves itself."""

from typing import Final

START_US: Final = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
SECOND_US: Final = 1_000_000


class ManualClock:
    """Stands still until told; a `domain.kernel.clock.Clock`."""

    def __init__(self, now_us: int = START_US) -> None:
        self._now_us = now_us

    def now_us(self) -> int:
        return self._now_us

    def advance(self, seconds: float) -> None:
        self._now_us += round(seconds * SECOND_US)

"""What a benchmark gives back: ratios that hold elsewhere, and figures that hold here."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Figure:
    """`target` is a bound on `value`: at least it, or at most it where `at_most`; None for a
    figure that is only told."""

    benchmark: str
    what: str
    value: float
    unit: str = "x"
    target: float | None = None
    at_most: bool = False

    @property
    def is_ratio(self) -> bool:
        return self.unit == "x"

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.value <= self.target if self.at_most else self.value >= self.target


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure: rounds of pairs, and a share of the full amount of work in each.
    `size` is how many bottles a benchmark begins with, or how many codes it has read, where it
    asks and somebody has said."""

    rounds: int
    share: float
    size: int | None = None

    def amount(self, full: int) -> int:
        return max(1, round(full * self.share))

    def bottles(self, full: int, quick: int) -> int:
        return self.size or (full if self.share >= 1 else quick)


FULL = Plan(rounds=7, share=1.0)
QUICK = Plan(rounds=3, share=0.25)


class Progress(Protocol):
    """What a benchmark tells while it runs."""

    def stage(self, text: str) -> None: ...

    def note(self, text: str) -> None:
        """What should still be read at the end."""


class Benchmark(Protocol):
    def __call__(self, plan: Plan, progress: Progress) -> list[Figure]: ...


def percentile(values: Sequence[float], share: float) -> float:
    """`share` is 0.5 for the median, 0.99 for p99; nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def paired_ratio(these: Sequence[float], those: Sequence[float]) -> float:
    """The median of the ratios of neighbours: what slows both of a pair down cancels out."""
    return median([one / other for one, other in zip(these, those, strict=True)])

"""When which tags are due; pure, the time is given."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable

from drivers.plcs.tags import TagBinding

# A tag that the controller refuses may come with its next program: asked now and then, so that
# it does not take the bus from those that work.
REFUSED_INTERVAL_S = 10.0

Due = tuple[float, ...]


class Rounds:
    """Tags by their interval. Each interval keeps its beat: a late round does not shift the next,
    and rounds that a slow peer left no time for are left out, never made up for."""

    def __init__(self, bindings: Iterable[TagBinding], now_s: float) -> None:
        self.late = 0
        self._bindings = tuple(bindings)
        self._groups = _grouped(self._bindings, ())
        self._due_at_s = dict.fromkeys(self._groups, now_s)

    @property
    def next_at_s(self) -> float:
        """Infinite where there is nothing to read."""
        return min(self._due_at_s.values(), default=math.inf)

    def due(self, now_s: float) -> Due:
        """The intervals whose turn it is; their next is then in the future."""
        due = tuple(each for each, at_s in self._due_at_s.items() if at_s <= now_s)
        for interval_s in due:
            passed = math.floor((now_s - self._due_at_s[interval_s]) / interval_s)
            self.late += passed
            self._due_at_s[interval_s] += (passed + 1) * interval_s
        return due

    def of(self, due: Due) -> list[TagBinding]:
        return [binding for interval_s in due for binding in self._groups[interval_s]]

    def slow_down(self, refused: Collection[str], now_s: float) -> None:
        """From now on these, and no others, are asked for seldom."""
        self._groups = _grouped(self._bindings, refused)
        self._due_at_s = {each: self._due_at_s.get(each, now_s + each) for each in self._groups}


def _grouped(
    bindings: Iterable[TagBinding], refused: Collection[str]
) -> dict[float, list[TagBinding]]:
    groups: defaultdict[float, list[TagBinding]] = defaultdict(list)
    for binding in bindings:
        least_s = REFUSED_INTERVAL_S if binding.name in refused else 0.0
        groups[max(binding.poll_interval_s, least_s)].append(binding)
    return dict(groups)

"""From a contact's edges to presses and releases. Pure: no clock of its own."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """`at_ns` is the edge after which the level held, not when that became certain."""

    active: bool
    at_ns: int


class Debouncer:
    """A level counts once it has held for `quiet_ns`; shorter ones are bouncing or interference.

    Times are those of the edges themselves, so that edges that are taken up late, many at once,
    give the same changes. With `quiet_ns` 0 every edge to another level counts.
    """

    def __init__(self, quiet_ns: int, active: bool) -> None:
        self.active = active
        self._quiet_ns = quiet_ns
        self._since_ns: int | None = None

    @property
    def due_at_ns(self) -> int | None:
        """When to call `settle`; None while nothing is pending."""
        return None if self._since_ns is None else self._since_ns + self._quiet_ns

    def edge(self, active: bool, at_ns: int) -> list[Change]:
        """The level became `active`. What had held for long enough before counts first."""
        changes = self.settle(at_ns)
        if active == self.active:
            self._since_ns = None
        elif self._since_ns is None:
            self._since_ns = at_ns
        return changes + (self.settle(at_ns) if self._quiet_ns == 0 else [])

    def settle(self, now_ns: int) -> list[Change]:
        """What holds by now."""
        since_ns = self._since_ns
        if since_ns is None or now_ns < since_ns + self._quiet_ns:
            return []
        self.active, self._since_ns = not self.active, None
        return [Change(self.active, since_ns)]

"""Rejects on their way: what was told to go, and what was seen to have gone. Pure.

Items keep their order between a scanner and the gate behind it, so that a confirmation without a
code means the oldest one that is due.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from domain.kernel.clock import SECOND_US


@dataclass(slots=True, eq=False)
class PendingReject:
    """One item that is to go. `code` is empty where it could not be read. `due_us` is when it must
    have been seen gone, null until the gate was told."""

    code: str
    scanner: int
    reason: str | None
    read_at_us: int
    due_us: int | None = None


class Sighting(Enum):
    """What an item in the reject bin was. WRONG: a code that nobody told to go."""

    CONFIRMED = "CONFIRMED"
    WRONG = "WRONG"
    UNEXPECTED = "UNEXPECTED"


class RejectLedger:
    """Of one line. Bounded: a gate that confirms nothing must not fill the memory."""

    def __init__(self, most: int = 1_000) -> None:
        self._pending: deque[PendingReject] = deque(maxlen=most)

    def __len__(self) -> int:
        return len(self._pending)

    def expect(self, pending: PendingReject) -> None:
        """It is on its way to the gate."""
        self._pending.append(pending)

    def forget(self, pending: PendingReject) -> None:
        """The gate could not be told."""
        if pending in self._pending:
            self._pending.remove(pending)

    def sensed(self) -> tuple[Sighting, PendingReject | None]:
        """Something went by that cannot be told apart: the oldest that the gate was told of."""
        told = next((one for one in self._pending if one.due_us is not None), None)
        if told is None:
            return Sighting.UNEXPECTED, None
        self._pending.remove(told)
        return Sighting.CONFIRMED, told

    def read(self, code: str) -> tuple[Sighting, PendingReject | None]:
        """A code was read in the bin; empty where it could not be read. What was rejected unread
        may well be read there."""
        if not code:
            return self.sensed()
        by_code = next((one for one in self._pending if one.code == code), None)
        found = by_code or next((one for one in self._pending if not one.code), None)
        if found is None:
            return Sighting.WRONG, None
        self._pending.remove(found)
        return Sighting.CONFIRMED, found

    def overdue(self, now_us: int) -> list[PendingReject]:
        """Taken out: each is told of once."""
        gone = [one for one in self._pending if one.due_us is not None and one.due_us <= now_us]
        for one in gone:
            self._pending.remove(one)
        return gone

    def next_due_us(self) -> int | None:
        return min((one.due_us for one in self._pending if one.due_us is not None), default=None)


class BurstWatch:
    """Whether the last so many events fell within a span of time."""

    def __init__(self, count: int, within_s: float) -> None:
        self._count = count
        self._span_us = round(within_s * SECOND_US)
        self._seen_us: deque[int] = deque(maxlen=count)

    def note(self, at_us: int) -> bool:
        self._seen_us.append(at_us)
        return len(self._seen_us) == self._count and at_us - self._seen_us[0] <= self._span_us

    def is_quiet(self, at_us: int) -> bool:
        """Nothing was seen for that span."""
        return not self._seen_us or at_us - self._seen_us[-1] > self._span_us


def pulses_since(start: int, now: int) -> int:
    """How far an encoder has counted that may have run over at 16 or at 32 bits."""
    if now >= start:
        return now - start
    return now + (1 << (16 if start < 1 << 16 else 32)) - start


def unconfirmed(pending: Iterable[PendingReject]) -> str:
    """For people."""
    codes = [one.code or "an unread item" for one in pending]
    more = f" and {len(codes) - 3} more" if len(codes) > 3 else ""
    return "Not seen in the reject bin: " + ", ".join(codes[:3]) + more

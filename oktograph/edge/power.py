"""The cabinet's UPS while the edge runs: an outage is told, and what is under way brought to a safe
end before the battery is empty."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from domain.journal.models import POWER, Severity
from domain.kernel.clock import SECOND_US, Clock
from domain.kernel.errors import DomainError
from domain.line.alarms.models import AlarmKind
from domain.line.power import (
    Power,
    PowerFact,
    PowerFactKind,
    PowerPolicy,
    PowerSample,
    PowerState,
    elapse,
    flush_due_at_us,
    follow,
)
from drivers.ups.port import UpsReading
from oktograph.edge.pipeline.book import LineBook, Note

SOURCE: Final = "ups"
logger = structlog.get_logger(__name__)
Flush = Callable[[], Awaitable[str]]


class PowerWatch:
    """An `OnUpsReading`. `flush` says in words what it did; it is called once for each outage."""

    def __init__(self, book: LineBook, clock: Clock, flush: Flush) -> None:
        self._book = book
        self._clock = clock
        self._flush = flush
        self._policy = PowerPolicy()
        self._power = Power()
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Task[None] | None = None
        self.on_change: Callable[[], None] = lambda: None

    @property
    def state(self) -> PowerState:
        return self._power.state

    def configure(self, flush_after_s: float | None) -> None:
        self._policy = PowerPolicy(flush_after_s)
        self._watch_clock()

    async def __call__(self, reading: UpsReading) -> None:
        sample = PowerSample(reading.on_battery, reading.low_battery, reading.at_us)
        self._take(*follow(self._power, sample, self._policy))

    async def stop(self) -> None:
        """A flush that has begun ends first."""
        if self._timer is not None:
            self._timer.cancel()
        if self._flushing is not None:
            await asyncio.wait({self._flushing})

    def _take(self, power: Power, facts: tuple[PowerFact, ...]) -> None:
        changed, self._power = power.state is not self._power.state, power
        for fact in facts:
            self._tell(fact)
        self._watch_clock()
        if changed:
            self.on_change()

    def _tell(self, fact: PowerFact) -> None:
        match fact.kind:
            case PowerFactKind.MAINS_LOST:
                self._book.raise_alarm(AlarmKind.UPS_ON_BATTERY, SOURCE, "The mains are lost")
            case PowerFactKind.BATTERY_LOW:
                self._book.raise_alarm(AlarmKind.UPS_LOW_BATTERY, SOURCE, "The battery is low")
            case PowerFactKind.FLUSH_DUE:
                self._flushing = asyncio.create_task(self._safe_end(), name="orderly flush")
            case PowerFactKind.MAINS_BACK:
                self._book.clear_alarm(AlarmKind.UPS_ON_BATTERY, SOURCE)
                self._book.clear_alarm(AlarmKind.UPS_LOW_BATTERY, SOURCE)
                self._book.note(Note(f"Mains back after {fact.outage_s:.0f} s", SOURCE, POWER))

    def _watch_clock(self) -> None:
        """An outage goes on while the UPS itself is out of reach."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_us = flush_due_at_us(self._power, self._policy)
        if due_us is not None:
            wait_s = max(0.0, (due_us - self._clock.now_us()) / SECOND_US)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._time_passed)

    def _time_passed(self) -> None:
        self._take(*elapse(self._power, self._clock.now_us(), self._policy))

    async def _safe_end(self) -> None:
        try:
            done = await self._flush()
        except DomainError as error:
            self._book.note(Note(f"Not flushed: {error.message}", SOURCE, POWER, Severity.ERROR))
        except Exception as error:
            logger.exception("flush broke")
            self._book.note(Note(f"Not flushed: {error}", SOURCE, POWER, Severity.ERROR))
        else:
            self._book.note(Note(f"On battery: {done}", SOURCE, POWER, Severity.WARNING))

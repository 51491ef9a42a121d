"""One line while the edge runs: whether it may, what was told to go, how often nothing was read."""

import asyncio
from collections.abc import Callable
from typing import Final

from domain.journal.models import PRODUCTION, Severity
from domain.kernel.clock import SECOND_US, Clock
from domain.kernel.errors import DomainError
from domain.line.alarms.models import AlarmKind
from domain.line.plan import Feedback, LinePlan, Reject, Scalar
from domain.line.ports import LineRunState, LineStatus
from domain.line.rejects import BurstWatch, PendingReject, RejectLedger, Sighting, unconfirmed
from drivers.scanners.port import Reading
from oktograph.edge.pipeline.book import LineBook, Note
from oktograph.edge.pipeline.outputs import Outputs

UNREAD: Final = "NO_READ"
_BURST: Final = AlarmKind.NO_READ_BURST


class LineRun:
    """`tasks` keeps what runs on its own. Everything here is of the event loop."""

    def __init__(
        self,
        plan: LinePlan,
        book: LineBook,
        outputs: Outputs,
        clock: Clock,
        spawn: Callable[..., None],
        changed: Callable[[], None],
    ) -> None:
        self.plan = plan
        self._book = book
        self._outputs = outputs
        self._clock = clock
        self._spawn = spawn
        self._changed = changed
        self._ledger = RejectLedger()
        self._bursts: dict[int, BurstWatch] = {}
        self._sensor_was: Scalar | None = None
        self._timer: asyncio.TimerHandle | None = None
        stopped = (AlarmKind.LINE_STOPPED, plan.id) in book.active
        self.status = LineStatus(
            plan.id,
            LineRunState.STOPPED if stopped else LineRunState.RUNNING,
            clock.now_us(),
            "stopped before the restart" if stopped else None,
        )

    @property
    def pending(self) -> int:
        """Rejects that were not seen gone yet."""
        return len(self._ledger)

    def replan(self, plan: LinePlan) -> None:
        """What is on its way stays."""
        if plan.no_reads != self.plan.no_reads:
            self._bursts = {}
        self.plan = plan

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    # Running and standing

    def stop(self, reason: str) -> None:
        """Stopping again changes nothing but the reason's first."""
        if self.status.state is LineRunState.STOPPED:
            return
        self.status = LineStatus(self.plan.id, LineRunState.STOPPED, self._clock.now_us(), reason)
        if self.plan.stop is not None:
            self._outputs.insist(self.plan.stop.tag, self.plan.stop.value)
        self._book.raise_alarm(AlarmKind.LINE_STOPPED, self.plan.id, f"Stopped: {reason}")
        self._changed()

    def start(self) -> None:
        if self.status.state is LineRunState.RUNNING:
            return
        self.status = LineStatus(self.plan.id, LineRunState.RUNNING, self._clock.now_us(), None)
        stop, run = self.plan.stop, self.plan.run
        if stop is not None:
            self._outputs.insist(stop.tag, stop.idle)
        if run is not None:
            self._outputs.insist(run.tag, run.value)
        self._book.clear_alarm(AlarmKind.LINE_STOPPED, self.plan.id)
        self._changed()

    # Readings

    def watch(self, scanner: int, key: str, reading: Reading) -> None:
        """Missed reads of one scanner in a row of time are an alarm, until it reads again."""
        rule = self.plan.no_reads
        if rule is None:
            return
        burst = self._bursts.get(scanner)
        if burst is None:
            burst = self._bursts[scanner] = BurstWatch(rule.count, rule.within_s)
        if not reading.no_read:
            if burst.is_quiet(reading.received_at_us):
                self._book.clear_alarm(_BURST, key)
        elif burst.note(reading.received_at_us) and not self._book.holds(_BURST, key):
            message = f"{rule.count} missed reads within {rule.within_s:g} s"
            self._book.raise_alarm(_BURST, key, message)

    def reject(self, scanner: int, order: Reject, reading: Reading, reason: str | None) -> None:
        """Tells the gate, now or when the item is there."""
        code = "" if reading.no_read else reading.text
        pending = PendingReject(code, scanner, reason, reading.received_at_us)
        try:
            start = self._outputs.start_of(order)
        except DomainError as error:
            self._failed(order, pending, error)
            return
        if order.feedback is not None:
            self._ledger.expect(pending)
        self._spawn(self._tell_gate(order, pending, start), f"reject {self.plan.id}")

    async def _tell_gate(self, order: Reject, pending: PendingReject, start: int | None) -> None:
        def armed() -> None:
            if order.feedback is not None:
                within_us = order.feedback.within_ms * 1000
                pending.due_us = self._clock.now_us() + within_us
                self._watch_deadlines()

        try:
            await self._outputs.fire(order, pending.read_at_us, start, armed)
        except DomainError as error:
            self._ledger.forget(pending)
            self._failed(order, pending, error)
            return
        self._book.clear_alarm(AlarmKind.OUTPUT_FAILED, order.tag)
        if order.feedback is None:
            self._told(pending, "Rejected")

    def _failed(self, order: Reject, pending: PendingReject, error: DomainError) -> None:
        """The item goes on down the line, and somebody must know."""
        item = pending.code or "an unread item"
        self._book.raise_alarm(
            AlarmKind.OUTPUT_FAILED, order.tag, f"Not rejected: {item}: {error.message}"
        )

    # Feedback

    def feedback(self) -> Feedback | None:
        """Of any station: one gate, one bin."""
        found = (one.reject.feedback for one in self.plan.stations if one.reject)
        return next((one for one in found if one is not None), None)

    def tag_shown(self, tag: str, value: Scalar | None) -> None:
        """A rising edge of the sensor behind the gate."""
        feedback = self.feedback()
        if feedback is None or feedback.tag != tag:
            return
        before, self._sensor_was = self._sensor_was, value
        # What it shows first is no edge, and neither is coming back from where nobody knew.
        if value is True and before is False:
            self._seen(*self._ledger.sensed(), code="")

    def seen_in_bin(self, reading: Reading) -> Sighting:
        code = "" if reading.no_read else reading.text
        sighting, pending = self._ledger.read(code)
        self._seen(sighting, pending, code)
        return sighting

    def _seen(self, sighting: Sighting, pending: PendingReject | None, code: str) -> None:
        if pending is not None:
            self._told(pending, "Rejected and seen gone")
            if not len(self._ledger):
                self._book.clear_alarm(AlarmKind.REJECT_NOT_CONFIRMED, self.plan.id)
        elif sighting is Sighting.WRONG:
            self._book.raise_alarm(
                AlarmKind.WRONG_ITEM_REJECTED, self.plan.id, f"Nobody rejected {code}"
            )
        else:
            self._book.raise_alarm(
                AlarmKind.UNEXPECTED_REJECT, self.plan.id, "Something went that nobody rejected"
            )

    def _watch_deadlines(self) -> None:
        due_us = self._ledger.next_due_us()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due_us is not None:
            wait_s = max(0.0, (due_us - self._clock.now_us()) / SECOND_US)
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(wait_s + 0.001, self._deadline)

    def _deadline(self) -> None:
        missing = self._ledger.overdue(self._clock.now_us())
        if missing:
            self._book.raise_alarm(
                AlarmKind.REJECT_NOT_CONFIRMED, self.plan.id, unconfirmed(missing)
            )
        self._watch_deadlines()

    def _told(self, pending: PendingReject, what: str) -> None:
        item = pending.code or "an unread item"
        took_ms = (self._clock.now_us() - pending.read_at_us) // 1000
        data = {"code": pending.code, "scanner": pending.scanner, "reason": pending.reason}
        self._book.note(
            Note(
                f"{what}: {item} ({pending.reason or UNREAD}) after {took_ms} ms",
                self.plan.id,
                PRODUCTION,
                Severity.INFO,
                data,
            )
        )

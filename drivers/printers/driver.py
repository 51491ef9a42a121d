"""What all printers do alike: one job at a time, watched to its end, never sent twice."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from domain.kernel.clock import Clock, SystemClock
from domain.kernel.errors import DomainError, Unavailable
from drivers.link import Link, PeerLost
from drivers.printers.conditions import ConditionWatch
from drivers.printers.jobs import (
    Confirmation,
    Document,
    JobOutcome,
    JobQueue,
    PendingJob,
    PrintJob,
    Receipt,
)
from drivers.printers.port import AnyPrinterConfig, PrinterCounters
from drivers.printers.status import Observation, OnCondition, PrinterStatus
from drivers.printers.stream import PrinterStream

# Between two looks at a job in the printer: a label takes a tenth of a second at the least.
WATCH_S = 0.05
# Between two looks at a printer that is not ready for a job that waits.
READY_CHECK_S = 0.25


class Completion(Protocol):
    """Judges the answers that follow one job."""

    def reached(self, seen: Observation, now_s: float) -> bool: ...


class Language(Protocol):
    """How one printer language asks, sends and confirms. Keeps no state of a connection."""

    @property
    def is_asked(self) -> bool:
        """Whether this printer is asked for its state at all."""

    @property
    def silence_is_loss(self) -> bool:
        """Whether a printer that does not answer must be gone."""

    @property
    def cancel(self) -> bytes | None:
        """Takes back what the printer was sent and has not printed."""

    async def observe(self, stream: PrinterStream, *, same_connection: bool) -> Observation | None:
        """None where there was no answer. Raises PeerLost."""

    async def transmit(
        self, stream: PrinterStream, pending: PendingJob
    ) -> Confirmation | Completion:
        """A completion where only the printer's state tells the end. Sets `pending.sent` before
        the first byte that could print. Raises PeerLost or DomainError."""


class StreamPrinter:
    """A `PrinterPort` for any language on a byte stream."""

    def __init__(
        self,
        config: AnyPrinterConfig,
        language: Language,
        on_condition: OnCondition | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.config = config
        self._language = language
        self._clock = clock or SystemClock()
        self._counters = PrinterCounters()
        self._conditions = ConditionWatch(config.name, on_condition)
        self._queue = JobQueue(config.max_waiting)
        self._stream = PrinterStream(config, self._counters, self._queue.came.set)
        self._online = False
        self._answered = False
        self._last: Observation | None = None
        self._observed_at_us: int | None = None

    async def print(self, document: Document, job: PrintJob) -> Receipt:
        if not self._online:
            raise _not_connected(job)
        pending = self._queue.put(document, job, self.config.job_timeout_s)
        return await pending.ended

    def status(self) -> PrinterStatus:
        return PrinterStatus(
            online=self._online,
            answered=self._answered,
            last=self._last,
            observed_at_us=self._observed_at_us,
            conditions=self._conditions.active,
            jobs_queued=len(self._queue),
        )

    def counters(self) -> Mapping[str, int]:
        return self._counters.by_name()

    async def run(self, link: Link) -> None:
        try:
            await self._stream.open()
            await self._observe()
            await link.connected(self._stream.peer)
            self._online = True
            while True:
                await self._turn(link)
        finally:
            self._online = self._answered = False
            self._counters.failed += self._queue.fail_all("The printer was lost")
            await self._stream.close()
            await self._conditions.lost()

    async def aclose(self) -> None:
        await self._stream.close()
        await self._conditions.clear()

    async def _turn(self, link: Link) -> None:
        """One job, or one look at the printer after `poll_s` without any."""
        self._stream.check()
        pending = self._queue.next()
        if pending is not None:
            await self._serve(pending, link)
            return
        self._queue.came.clear()
        try:
            async with asyncio.timeout(self.config.poll_s):
                await self._queue.came.wait()
        except TimeoutError:
            await self._observe()

    async def _observe(self, *, same_connection: bool = False) -> Observation | None:
        if not self._language.is_asked:
            return None
        seen = await self._language.observe(self._stream, same_connection=same_connection)
        self._answered = seen is not None
        if seen is not None:
            self._last, self._observed_at_us = seen, self._clock.now_us()
        elif self._language.silence_is_loss and not same_connection:
            raise PeerLost(f"no proper answer within {self.config.reply_timeout_s:g} s")
        await self._conditions.see(seen)
        return seen

    async def _serve(self, pending: PendingJob, link: Link) -> None:
        try:
            confirmation = await self._carry_out(pending)
        except DomainError as error:
            self._fail(pending, error)
        except BaseException as lost:
            gone = isinstance(lost, (PeerLost, OSError))
            reason = f"The printer was lost: {lost}" if gone else "The print was interrupted"
            self._fail(pending, pending.unavailable(reason))
            raise
        else:
            self._succeed(pending, confirmation, link)
        finally:
            self._queue.done()

    def _fail(self, pending: PendingJob, error: DomainError) -> None:
        self._counters.failed += 1
        pending.fail(error)

    def _succeed(self, pending: PendingJob, confirmation: Confirmation, link: Link) -> None:
        now_us, labels = self._clock.now_us(), pending.document.labels
        self._counters.jobs += 1
        self._counters.labels += labels
        link.reading(now_us)
        pending.succeed(Receipt(pending.job.job_id, labels, confirmation, now_us))

    async def _carry_out(self, pending: PendingJob) -> Confirmation:
        await self._ready(pending)
        result = await self._language.transmit(self._stream, pending)
        if isinstance(result, Confirmation):
            return result
        return await self._confirmed(pending, result)

    async def _ready(self, pending: PendingJob) -> None:
        """Raises Unavailable where the printer does not become ready in the job's time."""
        if not self._language.is_asked:
            return
        while True:
            await self._observe()
            reason = self._conditions.message
            if reason is None:
                return
            if _now_s() + READY_CHECK_S > pending.send_by_s:
                raise self._held_up(pending, reason, certain=True)
            await self._stream.idle(READY_CHECK_S)

    async def _confirmed(self, pending: PendingJob, completion: Completion) -> Confirmation:
        sent_at_s = _now_s()
        allowed_s = self.config.job_timeout_s + self.config.label_s * pending.document.labels
        while True:
            # A late answer tells of a moment after the job was sent too: it counts.
            seen = await self._observe(same_connection=True)
            if seen is not None and completion.reached(seen, _now_s()):
                return Confirmation.PRINTED
            if _now_s() > sent_at_s + allowed_s:
                raise await self._taken_back(pending, seen)
            await self._stream.idle(WATCH_S)

    async def _taken_back(self, pending: PendingJob, seen: Observation | None) -> Unavailable:
        """So that an operator's new roll does not print, late, what was reported as failed."""
        reason = self._conditions.message or "The printer does not tell the end of the job"
        if self._language.cancel is None:
            return self._held_up(pending, reason, certain=False)
        await self._stream.send(self._language.cancel)
        after = await self._observe()
        # Only a printer that could not print before and after, and has nothing left, is certain;
        # of several labels some may have been printed earlier.
        held = all(look is not None and look.cannot_print for look in (seen, after))
        emptied = after is not None and after.idle
        return self._held_up(
            pending, reason, certain=held and emptied and pending.document.labels == 1
        )

    def _held_up(self, pending: PendingJob, reason: str, *, certain: bool) -> Unavailable:
        conditions = [condition.value for condition in self._conditions.active]
        return pending.unavailable(reason, certain=certain, conditions=conditions)


def _not_connected(job: PrintJob) -> Unavailable:
    outcome = JobOutcome.NOT_PRINTED.value
    return Unavailable("The printer is not connected", job_id=job.job_id, outcome=outcome)


def _now_s() -> float:
    return asyncio.get_running_loop().time()

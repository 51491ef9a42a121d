"""Print jobs: what is printed, how it ended, and the bounded queue before one printer."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from domain.kernel.errors import Conflict, DomainError, Unavailable


@dataclass(frozen=True, slots=True)
class Command:
    """Bytes that are answered as one, where the language answers. `prints`: this one makes the
    printer print, what came before did not."""

    data: bytes
    prints: bool = True


@dataclass(frozen=True, slots=True)
class Document:
    """A template with its values, ready for the wire; `labels` is how many it prints."""

    commands: tuple[Command, ...]
    labels: int = 1

    @property
    def content(self) -> bytes:
        return b"".join(command.data for command in self.commands)

    @classmethod
    def of(cls, content: bytes, labels: int = 1) -> "Document":
        return cls((Command(content),), labels)


@dataclass(frozen=True, slots=True)
class PrintJob:
    """For the record; the document has all of it inside. `job_id` is the caller's and one of a
    kind while the job is open. `copies` None: as the template says."""

    job_id: str
    template: str | None = None
    params: Mapping[str, str] = field(default_factory=dict, hash=False)
    copies: int | None = None


class Confirmation(StrEnum):
    """How sure it is: PRINTED, the printer told it is done; ACCEPTED, it acknowledged the command
    to print; WRITTEN, its side of the connection took every byte."""

    PRINTED = "PRINTED"
    ACCEPTED = "ACCEPTED"
    WRITTEN = "WRITTEN"


class JobOutcome(StrEnum):
    """Of a job that failed. UNCERTAIN: all or part of it may have been printed or may yet be; only
    somebody who looks can say."""

    NOT_PRINTED = "NOT_PRINTED"
    UNCERTAIN = "UNCERTAIN"


@dataclass(frozen=True, slots=True)
class Receipt:
    job_id: str
    labels: int
    confirmation: Confirmation
    finished_at_us: int


@dataclass(slots=True, eq=False)
class PendingJob:
    """A job between its coming and its end. `send_by_s` is on the loop's clock. `sent` is set
    before the first byte that could make the printer print."""

    job: PrintJob
    document: Document
    send_by_s: float
    ended: "asyncio.Future[Receipt]"
    sent: bool = False

    def succeed(self, receipt: Receipt) -> None:
        if not self.ended.done():
            self.ended.set_result(receipt)

    def fail(self, error: DomainError) -> None:
        if not self.ended.done():
            self.ended.set_exception(error)

    def unavailable(
        self, reason: str, *, certain: bool | None = None, **details: Any
    ) -> Unavailable:
        """`certain`: that nothing was printed; left out, as long as nothing was sent."""
        sure = not self.sent if certain is None else certain
        outcome = JobOutcome.NOT_PRINTED if sure else JobOutcome.UNCERTAIN
        return Unavailable(reason, job_id=self.job.job_id, outcome=outcome.value, **details)


class JobQueue:
    """First come, first printed. Belongs to one event loop; `came` is set for the printing side
    whenever something is to be looked at."""

    def __init__(self, most_waiting: int) -> None:
        self.came = asyncio.Event()
        self._most = most_waiting
        self._waiting: deque[PendingJob] = deque()
        self._current: PendingJob | None = None

    def __len__(self) -> int:
        return len(self._waiting) + (self._current is not None)

    def put(self, document: Document, job: PrintJob, timeout_s: float) -> PendingJob:
        """Raises Unavailable where there is no room, Conflict where the job is already here."""
        loop = asyncio.get_running_loop()
        pending = PendingJob(job, document, loop.time() + timeout_s, loop.create_future())
        self._waiting = deque(other for other in self._waiting if not other.ended.done())
        # The current one stays open even where its caller went away: it may be on the paper.
        open_jobs = [*self._waiting, *([self._current] if self._current else [])]
        if any(other.job.job_id == job.job_id for other in open_jobs):
            raise Conflict("A print job of this id is under way", job_id=job.job_id)
        if len(self._waiting) >= self._most:
            raise pending.unavailable("The printer's queue is full")
        self._waiting.append(pending)
        self.came.set()
        return pending

    def next(self) -> PendingJob | None:
        """The next to print; those whose callers went away are left out. `done` must follow."""
        while self._waiting:
            pending = self._waiting.popleft()
            if not pending.ended.done():
                self._current = pending
                return pending
        return None

    def done(self) -> None:
        self._current = None

    def fail_all(self, reason: str) -> int:
        """Those that wait; their number."""
        waiting, self._waiting = self._waiting, deque()
        for pending in waiting:
            pending.fail(pending.unavailable(reason))
        return len(waiting)

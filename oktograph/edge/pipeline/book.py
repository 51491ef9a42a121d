"""What the line says of itself, written in order and off the line's path: journal and alarms."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from domain.journal.models import Severity
from domain.journal.operations import record
from domain.kernel.actor import system_actor
from domain.kernel.errors import DomainError
from domain.kernel.uow import Transactions, UnitOfWork
from domain.line.alarms import operations as alarms
from domain.line.alarms import repository
from domain.line.alarms.models import AlarmKind

logger = structlog.get_logger(__name__)
MOST: Final = 10_000
TAKE: Final = 100
RETRY_S: Final = 1.0
_OF_LINKS: Final = (AlarmKind.DEVICE_LOST, AlarmKind.DEVICE_MISCONFIGURED)


@dataclass(frozen=True, slots=True)
class Note:
    message: str
    source: str
    category: str
    severity: Severity = Severity.INFO
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Raised:
    kind: AlarmKind
    source: str
    message: str


@dataclass(frozen=True, slots=True)
class Cleared:
    kind: AlarmKind
    source: str


Saying = Note | Raised | Cleared


class LineBook:
    """Bounded: while the storage is away the oldest sayings are given up, and counted in the log.
    `on_alarm` is told of every alarm at once, before it is stored: a line stops without waiting
    for a disk."""

    def __init__(self, transactions: Transactions, customer_id: int) -> None:
        self._transactions = transactions
        self._actor = system_actor("line", customer_id)
        self._waiting: deque[Saying] = deque()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self.active: set[tuple[AlarmKind, str]] = set()
        self.on_alarm: Callable[[AlarmKind, str, bool], None] = lambda kind, source, active: None

    async def start(self) -> None:
        async with self._transactions.database.read() as session:
            self.active = await repository.active_conditions(session, self._actor.customer_id)
        self._task = asyncio.create_task(self._run(), name="line book")

    async def stop(self) -> None:
        """What waits is written first, within reason."""
        if self._task is None:
            return
        try:
            async with asyncio.timeout(2 * RETRY_S):
                await self._idle.wait()
        except TimeoutError:
            logger.error("line book not written", waiting=len(self._waiting))
        self._task.cancel()
        await asyncio.wait({self._task})
        self._task = None

    def holds(self, kind: AlarmKind, source: str) -> bool:
        return (kind, source) in self.active

    def note(self, saying: Note) -> None:
        self._say(saying)

    def raise_alarm(self, kind: AlarmKind, source: str, message: str) -> None:
        self.active.add((kind, source))
        self._say(Raised(kind, source, message))
        self.on_alarm(kind, source, True)

    def clear_alarm(self, kind: AlarmKind, source: str) -> None:
        """Costs nothing where it is not active."""
        if (kind, source) in self.active:
            self.active.discard((kind, source))
            self._say(Cleared(kind, source))
            self.on_alarm(kind, source, False)

    def noticed(self, device: str, kind: AlarmKind | None) -> None:
        """A device's own alarms are written by whoever watches its link; the line follows them."""
        for other in _OF_LINKS:
            was, now = (other, device) in self.active, other is kind
            if now and not was:
                self.active.add((other, device))
                self.on_alarm(other, device, True)
            elif was and not now:
                self.active.discard((other, device))
                self.on_alarm(other, device, False)

    def _say(self, saying: Saying) -> None:
        if len(self._waiting) >= MOST:
            logger.error("line saying given up", saying=str(self._waiting.popleft()))
        self._waiting.append(saying)
        self._idle.clear()
        self._woken.set()

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._waiting:
                taken = [self._waiting.popleft() for _ in range(min(TAKE, len(self._waiting)))]
                if not await self._written(taken):
                    self._waiting.extendleft(reversed(taken))
                    await asyncio.sleep(RETRY_S)
            self._idle.set()

    async def _written(self, sayings: list[Saying]) -> bool:
        try:
            async with self._transactions.begin(self._actor) as work:
                for saying in sayings:
                    await _write(work, saying)
        except DomainError as error:
            logger.warning("line book waits", cause=error.message)
            return False
        except Exception:
            # One that can never be written must not hold up the others for ever.
            logger.exception("line sayings lost", count=len(sayings))
        return True


async def _write(work: UnitOfWork, saying: Saying) -> None:
    if isinstance(saying, Note):
        await record(
            work,
            saying.message,
            category=saying.category,
            source=saying.source,
            severity=saying.severity,
            data=dict(saying.data) or None,
        )
    elif isinstance(saying, Raised):
        await alarms.raise_alarm(work, saying.kind, saying.source, saying.message)
    else:
        await alarms.clear_alarm(work, saying.kind, saying.source)

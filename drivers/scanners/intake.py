"""From readings to their handling: in order, bounded, answered."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from domain.kernel.errors import DomainError
from drivers.scanners.port import OnReading, Reading, ScannerConfig, ScannerCounters

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# How long readings that were taken off the wire may still take when the link ends.
DRAIN_DEADLINE_S = 5.0

Reply = Callable[[bytes], Awaitable[None]]


class Intake:
    """Starts `on_reading` for each reading in order and keeps up to `max_in_flight` of them open,
    so that a group commit can take many at once; replies go out in the order of the readings.

    `offer` waits while the bound is reached: whoever reads the wire pauses with it. `reply` must
    not raise. Use as `async with`; leaving it waits for what is open, up to a deadline.
    """

    def __init__(
        self,
        config: ScannerConfig,
        on_reading: OnReading,
        counters: ScannerCounters,
        reply: Reply | None = None,
    ) -> None:
        self._config = config
        self._on_reading = on_reading
        self._counters = counters
        self._reply = reply
        self._slots = asyncio.Semaphore(config.max_in_flight)
        self._open: asyncio.Queue[asyncio.Task[bool | None] | None] = asyncio.Queue()
        self._handling: set[asyncio.Task[bool | None]] = set()
        self._failing = False

    async def __aenter__(self) -> "Intake":
        self._settler = asyncio.create_task(self._settle_all(), name="scanner replies")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._open.put_nowait(None)
        try:
            await asyncio.wait({self._settler}, timeout=DRAIN_DEADLINE_S)
        finally:
            for task in (*self._handling, self._settler):
                task.cancel()

    async def offer(self, reading: Reading) -> None:
        await self._slots.acquire()
        self._counters.readings += 1
        self._counters.no_reads += reading.no_read
        task = asyncio.create_task(self._handle(reading))
        self._handling.add(task)
        self._open.put_nowait(task)

    async def _handle(self, reading: Reading) -> bool | None:
        return await self._on_reading(reading)

    async def _settle_all(self) -> None:
        while (task := await self._open.get()) is not None:
            await asyncio.wait({task})
            self._handling.discard(task)
            reply = self._reply_for(self._verdict(task))
            if reply and self._reply is not None:
                await self._reply(reply)
            self._slots.release()

    def _verdict(self, task: asyncio.Task[bool | None]) -> bool | None:
        """The first failure of a row is logged; the line reads on, its scanner is not at fault."""
        error = None if task.cancelled() else task.exception()
        if error is None:
            self._failing = False
            return None if task.cancelled() else task.result()
        self._counters.refused += 1
        if not self._failing:
            trace = None if isinstance(error, DomainError) else error
            log.error(
                "reading_refused", scanner=self._config.name, reason=str(error), exc_info=trace
            )
        self._failing = True
        return False

    def _reply_for(self, verdict: bool | None) -> bytes | None:
        if verdict is None:
            return None
        return self._config.reply_good if verdict else self._config.reply_bad

"""Values on their way to controllers: after a delay or so many encoder pulses, as pulses that end,
and those that must come through whatever happens meanwhile."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable

import structlog

from domain.kernel.clock import SECOND_US, Clock
from domain.kernel.errors import DomainError, Unavailable
from domain.line.plan import Output, Scalar
from domain.line.rejects import pulses_since

logger = structlog.get_logger(__name__)
Write = Callable[[str, Scalar], Awaitable[None]]
# What a tag shows, null while that is not known for sure.
Shown = Callable[[str], Scalar | None]
Failed = Callable[[str, DomainError], None]
INSIST_S = 0.5
CLOSE_S = 2.0


class Outputs:
    """`failed` is told once of a write that must come through and does not yet."""

    def __init__(self, write: Write, shown: Shown, clock: Clock, failed: Failed) -> None:
        self._write = write
        self._shown = shown
        self._clock = clock
        self._failed = failed
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._ends_at_s: dict[str, float] = {}
        self._endings: dict[str, tuple[asyncio.Task[None], Scalar]] = {}
        self._insisting: dict[str, asyncio.Task[None]] = {}
        self._counting: defaultdict[str, list[_Count]] = defaultdict(list)

    def start_of(self, output: Output) -> int | None:
        """What the encoder shows at the moment of a reading. Raises Unavailable where it must be
        known and is not."""
        if output.encoder is None:
            return None
        shown = self._shown(output.encoder)
        if isinstance(shown, bool) or not isinstance(shown, int | float):
            raise Unavailable(f"The encoder {output.encoder} shows nothing")
        return int(shown)

    async def fire(
        self,
        output: Output,
        read_at_us: int,
        start: int | None = None,
        armed: Callable[[], None] = lambda: None,
    ) -> None:
        """Returns once it is written. `armed` is told right before, when the time has come; `start`
        is from `start_of`. Raises DomainError where the write failed: the item has gone by, so
        that it is not tried again."""
        await self._due(output, read_at_us, start)
        armed()
        if output.pulse_ms is None:
            async with self._turns[output.tag]:
                await self._write(output.tag, output.value)
        else:
            await self._pulse(output, output.pulse_ms / 1000)

    def insist(self, tag: str, value: Scalar) -> None:
        """Writes it until it is written; a later one for the same tag takes its place."""
        before = self._insisting.pop(tag, None)
        if before is not None:
            before.cancel()
        self._insisting[tag] = asyncio.create_task(self._until_written(tag, value))

    def tag_shown(self, tag: str, value: Scalar | None) -> None:
        """For encoders: every change, in order."""
        waiting = self._counting.get(tag)
        if not waiting or isinstance(value, bool) or not isinstance(value, int | float):
            return
        for count in list(waiting):
            if pulses_since(count.start, int(value)) >= count.pulses:
                waiting.remove(count)
                count.reached.set()

    async def close(self) -> None:
        """Ends every pulse at once: a gate must not stay open because the service stops."""
        for task in self._insisting.values():
            task.cancel()
        endings, self._endings = self._endings, {}
        for task, _ in endings.values():
            task.cancel()
        await asyncio.gather(*(self._end_now(tag, idle) for tag, (_, idle) in endings.items()))

    async def _due(self, output: Output, read_at_us: int, start: int | None) -> None:
        if output.encoder is not None and start is not None:
            await self._counted(output.encoder, _Count(start, output.after_pulses))
        elif output.delay_ms:
            due_us = read_at_us + output.delay_ms * 1000
            await asyncio.sleep(max(0.0, (due_us - self._clock.now_us()) / SECOND_US))

    async def _counted(self, encoder: str, count: "_Count") -> None:
        waiting = self._counting[encoder]
        waiting.append(count)
        self.tag_shown(encoder, self._shown(encoder))
        try:
            await count.reached.wait()
        finally:
            if count in waiting:
                waiting.remove(count)

    async def _pulse(self, output: Output, pulse_s: float) -> None:
        tag = output.tag
        async with self._turns[tag]:
            await self._write(tag, output.value)
            ends_at_s = asyncio.get_running_loop().time() + pulse_s
            self._ends_at_s[tag] = max(self._ends_at_s.get(tag, 0.0), ends_at_s)
            if tag not in self._endings:
                task = asyncio.create_task(self._end(tag, output.idle), name=f"pulse {tag}")
                self._endings[tag] = (task, output.idle)

    async def _end(self, tag: str, idle: Scalar) -> None:
        now_s = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(max(0.0, self._ends_at_s[tag] - now_s()))
            async with self._turns[tag]:
                # Prolonged while we waited for our turn.
                if self._ends_at_s[tag] > now_s():
                    continue
                del self._endings[tag], self._ends_at_s[tag]
                try:
                    await self._write(tag, idle)
                except DomainError as error:
                    self._failed(tag, error)
                    self.insist(tag, idle)
                return

    async def _end_now(self, tag: str, idle: Scalar) -> None:
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._write(tag, idle)
        except (DomainError, TimeoutError) as error:
            logger.error("pulse not ended", tag=tag, cause=str(error))

    async def _until_written(self, tag: str, value: Scalar) -> None:
        told = False
        while True:
            try:
                async with self._turns[tag]:
                    await self._write(tag, value)
            except DomainError as error:
                if not told:
                    self._failed(tag, error)
                told = True
                await asyncio.sleep(INSIST_S)
            else:
                if self._insisting.get(tag) is asyncio.current_task():
                    del self._insisting[tag]
                return


class _Count:
    """Waits for an encoder to come so far."""

    def __init__(self, start: int, pulses: int) -> None:
        self.start = start
        self.pulses = pulses
        self.reached = asyncio.Event()

"""Values on their way to controllers: after a delay or so many encoder pulses, as pulses that end,
and those that must come through whatever happens meanwhile."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

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
# What the ends of pulses get when the service stops, and how soon one is tried again meanwhile.
CLOSE_S = 2.0
CLOSING_RETRY_S = 0.05


class Outputs:
    """`failed` is told once of a write that must come through and does not yet."""

    def __init__(self, write: Write, shown: Shown, clock: Clock, failed: Failed) -> None:
        self._write = write
        self._shown = shown
        self._clock = clock
        self._failed = failed
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._endings: dict[str, _Ending] = {}
        self._insisting: dict[str, asyncio.Task[None]] = {}
        # Those above, the ends of pulses, and what is cancelled and not over yet.
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
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
        """Writes it until it is written; a later one for the same tag takes its place. Nothing
        after `close`: nobody would be left to write it."""
        if self._closing.is_set():
            logger.warning("not written: the line has ended", tag=tag)
            return
        before = self._insisting.pop(tag, None)
        if before is not None:
            before.cancel()
        self._insisting[tag] = self._begun(self._until_written(tag, value), f"insist {tag}")

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
        """Ends every pulse at once: a gate must not stay open because the service stops. Takes
        `CLOSE_S` at most, in which the controllers must still be there; nothing of it runs on."""
        self._closing.set()
        await _stopped(self._insisting.values())
        ending = [one.task for one in self._endings.values()]
        if ending:
            await asyncio.wait(ending, timeout=CLOSE_S)
        await _stopped(self._tasks)
        for tag in self._endings:
            logger.error("pulse not ended", tag=tag)
        self._endings.clear()

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
        """Its end is planned before it begins: a write that failed or was cancelled may have
        reached the controller all the same."""
        now_s = asyncio.get_running_loop().time
        async with self._turns[output.tag]:
            ending = self._ending(output, now_s() + pulse_s)
            try:
                await self._write(output.tag, output.value)
                ending.told = False
            except DomainError:
                ending.told = True  # by whoever fired
                raise
            finally:
                ending.at_s = max(ending.at_s, now_s() + pulse_s)

    def _ending(self, output: Output, at_s: float) -> "_Ending":
        """The one that the tag has, or another. Raises Unavailable once no pulse may begin."""
        if self._closing.is_set():
            raise Unavailable(f"{output.tag} is not written: the line has ended")
        tag = output.tag
        if tag not in self._endings:
            task = self._begun(self._end(tag), f"pulse {tag}")
            self._endings[tag] = _Ending(task, output.idle, at_s)
        return self._endings[tag]

    async def _end(self, tag: str) -> None:
        """Tries until idle is written; a pulse that begins meanwhile prolongs it."""
        ending, now_s = self._endings[tag], asyncio.get_running_loop().time
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(ending.at_s):
                    await self._closing.wait()
            async with self._turns[tag]:
                # Prolonged while we waited for our turn.
                if ending.at_s > now_s() and not self._closing.is_set():
                    continue
                if await self._written(tag, ending.idle, told=ending.told):
                    del self._endings[tag]
                    return
                ending.told, ending.at_s = True, now_s() + INSIST_S
            if self._closing.is_set():
                await asyncio.sleep(CLOSING_RETRY_S)

    async def _until_written(self, tag: str, value: Scalar) -> None:
        told = False
        while True:
            async with self._turns[tag]:
                written = await self._written(tag, value, told=told)
            if written:
                break
            told = True
            await asyncio.sleep(INSIST_S)
        if self._insisting.get(tag) is asyncio.current_task():
            del self._insisting[tag]

    async def _written(self, tag: str, value: Scalar, *, told: bool) -> bool:
        try:
            await self._write(tag, value)
        except DomainError as error:
            if not told:
                self._failed(tag, error)
            return False
        except Exception:
            # A defect below us is no reason to leave a gate open.
            if not told:
                logger.exception("write broke", tag=tag)
            return False
        return True

    def _begun(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _stopped(tasks: "Iterable[asyncio.Task[None]]") -> None:
    """Cancelled, and over."""
    given = set(tasks)
    for task in given:
        task.cancel()
    if given:
        await asyncio.wait(given)


@dataclass(slots=True)
class _Ending:
    """Of one tag's pulses. `idle` is due at `at_s` of the loop's clock. `told`: somebody knows
    already that the tag is not written."""

    task: "asyncio.Task[None]"
    idle: Scalar
    at_s: float
    told: bool = False


class _Count:
    """Waits for an encoder to come so far."""

    def __init__(self, start: int, pulses: int) -> None:
        self.start = start
        self.pulses = pulses
        self.reached = asyncio.Event()

"""A simulated scanner without what carries it: which code when, and what goes wrong with it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from contextlib import suppress
from random import Random, SystemRandom
from typing import Self

from drivers.scanners.simulation import (
    Code,
    Codes,
    Encoder,
    Faults,
    PlayConfig,
    mangled,
    one_by_one,
    packets,
)

ANSWERS_KEPT_BYTES = 65536
DEFAULT_HEARTBEAT_S = 1.0


class Feeder(ABC):
    """Plays its codes at its rate to every peer that is connected, and waits while there is none.

    While it runs: `rate` and `faults` may be set; `stall` and `resume` hold and free everything
    it sends. `emit` sends one code now. Use as `async with`, or `start` and `close`; closing
    twice is fine.
    """

    def __init__(self, config: PlayConfig, codes: Codes = ()) -> None:
        self.ready = asyncio.Event()
        self.faults: Faults = config.faults
        self.sent_count = 0
        self.dropped_count = 0
        self._codes = codes
        self._rate = config.rate
        self._random: Random = SystemRandom() if config.seed is None else _seeded(config.seed)
        self._stalled = False
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Condition()
        self._played = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Raises OSError where its place is taken."""
        await self._open()
        self._spawn(self._play())
        self.ready.set()

    async def close(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await self._shut()
        if tasks:
            await asyncio.wait(tasks)

    @property
    def rate(self) -> float | None:
        return self._rate

    @rate.setter
    def rate(self, value: float | None) -> None:
        self._rate = value
        self._spawn(self._notify())

    @property
    @abstractmethod
    def peer_count(self) -> int: ...

    async def sent(self, count: int) -> None:
        """Waits until that many codes have gone out since the start."""
        await self._until(lambda: self.sent_count >= count)

    async def peers(self, count: int) -> None:
        """Waits until that many peers are connected."""
        await self._until(lambda: self.peer_count == count)

    async def finished(self) -> None:
        """Waits until all codes have been played."""
        await self._played.wait()

    async def emit(self, code: Code) -> None:
        """Sends one code, with the present faults, once a peer is there and nothing stalls."""
        await self._until(lambda: self.peer_count > 0 and not self._stalled)
        if self._happens(self.faults.drop):
            self.dropped_count += 1
            return
        await self._send_code(code)
        if self._happens(self.faults.duplicate):
            await self._send_code(code)

    def stall(self) -> None:
        """Falls silent, heartbeats too, with the connections open."""
        self._stalled = True

    async def resume(self) -> None:
        self._stalled = False
        await self._notify()

    @abstractmethod
    async def _open(self) -> None:
        """Makes it reachable."""

    @abstractmethod
    async def _shut(self) -> None:
        """Lets go of every peer and of its place."""

    @abstractmethod
    async def _deliver(self, code: Code) -> None:
        """Hands one code, or a missed read, to whoever is connected."""

    async def _send_code(self, code: Code) -> None:
        if self._happens(self.faults.no_read):
            code = None
        elif code is not None and self._happens(self.faults.mangle):
            code = mangled(code, self._random)
        await self._deliver(code)
        self.sent_count += 1
        await self._notify()

    async def _play(self) -> None:
        next_at_s = asyncio.get_running_loop().time()
        async for code in one_by_one(self._codes):
            next_at_s = await self._paced(next_at_s)
            await self.emit(code)
        self._played.set()

    async def _paced(self, due_at_s: float) -> float:
        """Waits for the next turn and returns the one after. A changed rate holds at once; time
        lost to a stall is not made up for by a burst."""
        now_s = asyncio.get_running_loop().time
        while self._rate is not None and (self._rate == 0 or now_s() < due_at_s):
            await self._changed_within(None if self._rate == 0 else due_at_s - now_s())
            if self._rate:
                due_at_s = min(due_at_s, now_s() + 1 / self._rate)
        step_s = 1 / self._rate if self._rate else 0.0
        return max(due_at_s, now_s() - step_s) + step_s

    def _happens(self, chance: float) -> bool:
        return chance > 0 and self._random.random() < chance

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(holds)

    async def _changed_within(self, timeout_s: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _spawn(self, work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        self._tasks = [task for task in self._tasks if not task.done()]
        task = asyncio.create_task(work)
        self._tasks.append(task)
        return task


class StreamFeeder(Feeder):
    """A feeder of bytes, in the convention of its model.

    While it runs, `heartbeat` may be set; `listen` hears the peers' answers; `cut` ends the
    connections, `reset` breaks them, `abandon` leaves them half open as a power cut does; it is
    then there anew.
    """

    def __init__(self, config: PlayConfig, codes: Codes = ()) -> None:
        super().__init__(config, codes)
        self.heartbeat = config.heartbeat
        self.answers = bytearray()
        self._profile = config.framing
        self._encoder = Encoder(config)
        # A scanner puts one frame after the other on its wire, heartbeats too.
        self._wire = asyncio.Lock()
        self._listeners: list[Callable[[bytes], None]] = []

    async def start(self) -> None:
        await super().start()
        self._spawn(self._beat())

    async def answered(self, data: bytes) -> None:
        """Waits until the peers' answers hold these bytes."""
        await self._until(lambda: data in self.answers)

    def listen(self, listener: Callable[[bytes], None]) -> None:
        """Called with what a peer answers, the moment it comes."""
        self._listeners.append(listener)

    @abstractmethod
    async def send_raw(self, data: bytes) -> None:
        """Any bytes, at once, to whoever is connected."""

    @abstractmethod
    async def cut(self) -> None:
        """Ends the connections in good order."""

    @abstractmethod
    async def reset(self) -> None:
        """Breaks the connections."""

    @abstractmethod
    async def abandon(self) -> None:
        """Forgets the connections without a word."""

    async def noise(self, size: int) -> None:
        """Binary noise, as from a bad cable or a wrong baud rate."""
        await self.send_raw(self._random.randbytes(size))

    async def _answer(self, data: bytes) -> None:
        for listener in self._listeners:
            listener(data)
        self.answers += data
        del self.answers[:-ANSWERS_KEPT_BYTES]
        await self._notify()

    async def _deliver(self, code: Code) -> None:
        if self._happens(self.faults.noise):
            await self.noise(self._random.randint(1, 64))
        data = self._encode(code)
        split = len(data) > 1 and self._happens(self.faults.split)
        async with self._wire:
            for packet in self._packets(data) if split else [data]:
                await self.send_raw(packet)
                if split:
                    await asyncio.sleep(0)

    def _encode(self, code: Code) -> bytes:
        return self._encoder.encode(code)

    def _packets(self, data: bytes) -> list[bytes]:
        return packets(data, self._random)

    async def _beat(self) -> None:
        profile = self._profile.heartbeat
        interval_s = (profile and profile.interval_s) or DEFAULT_HEARTBEAT_S
        while profile is not None:
            if self.heartbeat and not self._stalled:
                async with self._wire:
                    await self.send_raw(self._encoder.heartbeat())
            await asyncio.sleep(interval_s)


def _seeded(seed: int) -> Random:
    # Repeatable misfortune, not a secret.
    return Random(seed)  # noqa: S311

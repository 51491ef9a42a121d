"""A scanner that is a real TCP peer: for tests, for the demo and for trying a configuration."""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from random import Random, SystemRandom
from typing import Self

import structlog

from drivers.scanners.simulation import (
    Code,
    Codes,
    Encoder,
    Faults,
    SimulatorConfig,
    SimulatorMode,
    mangled,
    one_by_one,
    packets,
)

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

ANSWERS_KEPT_BYTES = 65536
DEFAULT_HEARTBEAT_S = 1.0


class ScannerSimulator:
    """Plays its codes at its rate to every peer that is connected, and waits while there is none.

    While it runs: `rate`, `heartbeat` and `faults` may be set; `stall` and `resume` hold and
    free everything it sends; `cut` closes the connections, `reset` breaks them, `abandon` leaves
    them half open as a power cut does; it then serves or dials anew. `emit` sends one code now.
    Use as `async with`, or `start` and `close`; closing twice is fine.
    """

    def __init__(self, config: SimulatorConfig, codes: Codes = ()) -> None:
        self.ready = asyncio.Event()
        self.port = config.port
        self.heartbeat = config.heartbeat
        self.faults: Faults = config.faults
        self.sent_count = 0
        self.dropped_count = 0
        self.answers = bytearray()
        self._config = config
        self._codes = codes
        self._rate = config.rate
        self._encoder = Encoder(config)
        self._random: Random = SystemRandom() if config.seed is None else _seeded(config.seed)
        self._stalled = False
        self._peers: dict[StreamWriter, asyncio.Task[None]] = {}
        self._abandoned: list[StreamWriter] = []
        self._server: asyncio.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Condition()
        self._played = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Raises OSError where the port is taken. A dialling simulator is ready at once."""
        config = self._config
        if config.mode is SimulatorMode.SERVE:
            self._server = await asyncio.start_server(self._on_call, config.host, config.port)
            self.port = self._server.sockets[0].getsockname()[1]
        else:
            self._spawn(self._dial_on())
        self._spawn(self._play())
        self._spawn(self._beat())
        self.ready.set()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = {*self._tasks, *self._peers.values()}
        for task in tasks:
            task.cancel()
        for writer in (*self._peers, *self._abandoned):
            writer.transport.abort()
        if tasks:
            await asyncio.wait(tasks)
        self._tasks.clear()
        self._abandoned.clear()

    @property
    def rate(self) -> float | None:
        return self._rate

    @rate.setter
    def rate(self, value: float | None) -> None:
        self._rate = value
        self._spawn(self._notify())

    @property
    def peer_count(self) -> int:
        return len(self._peers)

    async def sent(self, count: int) -> None:
        """Waits until that many codes have gone out since the start."""
        await self._until(lambda: self.sent_count >= count)

    async def peers(self, count: int) -> None:
        """Waits until that many peers are connected."""
        await self._until(lambda: len(self._peers) == count)

    async def answered(self, data: bytes) -> None:
        """Waits until the peers' answers hold these bytes."""
        await self._until(lambda: data in self.answers)

    async def finished(self) -> None:
        """Waits until all codes have been played."""
        await self._played.wait()

    async def emit(self, code: Code) -> None:
        """Sends one code, with the present faults, once a peer is there and nothing stalls."""
        await self._until(lambda: bool(self._peers) and not self._stalled)
        if self._happens(self.faults.drop):
            self.dropped_count += 1
            return
        await self._send_code(code)
        if self._happens(self.faults.duplicate):
            await self._send_code(code)

    async def send_raw(self, data: bytes) -> None:
        """Any bytes, at once, to whoever is connected."""
        for writer in list(self._peers):
            with suppress(OSError):
                writer.write(data)
                await writer.drain()

    async def noise(self, size: int) -> None:
        """Binary noise, as from a bad cable or a wrong baud rate."""
        await self.send_raw(self._random.randbytes(size))

    def stall(self) -> None:
        """Falls silent, heartbeats too, with the connections open."""
        self._stalled = True

    async def resume(self) -> None:
        self._stalled = False
        await self._notify()

    async def cut(self) -> None:
        """Closes the connections in good order."""
        await self._drop_peers(lambda writer: writer.close())

    async def reset(self) -> None:
        """Breaks the connections: the peer gets a reset."""
        await self._drop_peers(_break)

    async def abandon(self) -> None:
        """Forgets the connections without a word."""
        self._abandoned += self._peers
        await self._drop_peers(lambda _: None)

    def _on_call(self, reader: StreamReader, writer: StreamWriter) -> asyncio.Task[None]:
        serving = asyncio.create_task(self._serve(reader, writer))
        self._peers[writer] = serving
        return serving

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        await self._notify()
        try:
            while data := await reader.read(4096):
                self.answers = (self.answers + data)[-ANSWERS_KEPT_BYTES:]
                await self._notify()
        except OSError as error:
            log.debug("simulator_peer_lost", reason=str(error))
        finally:
            await self._forget(writer)

    async def _forget(self, writer: StreamWriter) -> None:
        self._peers.pop(writer, None)
        if writer not in self._abandoned:
            writer.close()
        await self._notify()

    async def _drop_peers(self, part: Callable[[StreamWriter], None]) -> None:
        gone, self._peers = self._peers, {}
        for writer, serving in gone.items():
            part(writer)
            serving.cancel()
        await self._notify()

    async def _dial_on(self) -> None:
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection(self._config.host, self.port)
                await _finished(self._on_call(reader, writer))
            await asyncio.sleep(self._config.redial_s)

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

    async def _beat(self) -> None:
        profile = self._config.framing.heartbeat
        interval_s = (profile and profile.interval_s) or DEFAULT_HEARTBEAT_S
        while profile is not None:
            if self.heartbeat and not self._stalled:
                await self.send_raw(self._encoder.heartbeat())
            await asyncio.sleep(interval_s)

    async def _send_code(self, code: Code) -> None:
        faults = self.faults
        if self._happens(faults.no_read):
            code = None
        elif code is not None and self._happens(faults.mangle):
            code = mangled(code, self._random)
        if self._happens(faults.noise):
            await self.noise(self._random.randint(1, 64))
        data = self._encoder.encode(code)
        split = len(data) > 1 and self._happens(faults.split)
        for packet in packets(data, self._random) if split else [data]:
            await self.send_raw(packet)
            if split:
                await asyncio.sleep(0)
        self.sent_count += 1
        await self._notify()

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

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        self._tasks = [task for task in self._tasks if not task.done()]
        self._tasks.append(asyncio.create_task(work))


def _seeded(seed: int) -> Random:
    # Repeatable misfortune, not a secret.
    return Random(seed)  # noqa: S311


def _break(writer: StreamWriter) -> None:
    linger_none = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_none)
    writer.transport.abort()


async def _finished(task: asyncio.Task[None]) -> None:
    """Whatever its end; taken along when the waiting one is cancelled."""
    try:
        await asyncio.wait({task})
    finally:
        task.cancel()

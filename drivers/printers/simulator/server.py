"""The part of a simulated printer that is on the network, with everything that can go wrong."""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import suppress
from random import Random, SystemRandom
from typing import Self, cast

import structlog

from drivers.attending import attended, shut
from drivers.held_port import HeldPort
from drivers.printers.simulator.config import Noise, PrinterFaults, PrinterSimulatorConfig
from drivers.printers.simulator.engines import engine_for
from drivers.printers.simulator.mechanism import Mechanism, Printed

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

RECEIVED_KEPT_BYTES = 65_536
_NOISE_BYTES = 24


class PrinterSimulator:
    """Prints what its peers send into `printed`, and answers as its model does.

    While it runs: `faults` may be set; `load`, `open_head`, `close_head`, `pause`, `resume` work
    the machine; `stall` stops reading and answering and `go_on` ends that; `cut` closes the
    connections, `reset` breaks them, `abandon` leaves them half open; `refuse` closes the port and
    `accept` opens it again; `flood` sends noise that nobody asked for. Use as `async with`, or
    `start` and `close`; closing twice is fine.
    """

    def __init__(self, config: PrinterSimulatorConfig) -> None:
        self.faults: PrinterFaults = config.faults
        self.calls = 0
        self.received = bytearray()
        self.answers = 0
        self.mechanism = Mechanism(config, self._notify)
        self._config = config
        self._place = HeldPort(config.host, config.port)
        self._random: Random = SystemRandom() if config.seed is None else _seeded(config.seed)
        self._running = asyncio.Event()
        self._running.set()
        self._peers: dict[StreamWriter, asyncio.Task[None]] = {}
        self._abandoned: list[StreamWriter] = []
        self._server: asyncio.Server | None = None
        self._printing: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Raises OSError where the port is taken."""
        await self.accept()
        self._printing = asyncio.create_task(self.mechanism.run(), name="simulated printer")

    async def close(self) -> None:
        await self.refuse()
        self._place.close()
        tasks = {*self._peers.values(), *([self._printing] if self._printing else [])}
        for task in tasks:
            task.cancel()
        for writer in (*self._peers, *self._abandoned):
            writer.transport.abort()
        if tasks:
            await asyncio.wait(tasks)
        self._abandoned.clear()
        self._printing = None

    @property
    def port(self) -> int:
        return self._place.port

    @property
    def printed(self) -> list[Printed]:
        return list(self.mechanism.printed)

    @property
    def printed_count(self) -> int:
        return self.mechanism.printed_count

    @property
    def peer_count(self) -> int:
        return len(self._peers)

    async def prints(self, count: int) -> None:
        """Waits until that many labels have been printed since the start."""
        await self._until(lambda: self.printed_count >= count)

    async def peers(self, count: int) -> None:
        """Waits until that many peers are connected."""
        await self._until(lambda: len(self._peers) == count)

    async def hears(self, data: bytes) -> None:
        """Waits until the peers have sent these bytes."""
        await self._until(lambda: data in self.received)

    def load(self, *, labels: int | None = None, ribbon: int | None = None) -> None:
        """New rolls of so many labels, None for no end."""
        self.mechanism.labels_left, self.mechanism.ribbon_left = labels, ribbon
        self.mechanism.changed()

    def open_head(self) -> None:
        self.mechanism.head_open = True

    def close_head(self) -> None:
        self.mechanism.head_open = False
        self.mechanism.changed()

    def pause(self) -> None:
        self.mechanism.paused = True

    def resume(self) -> None:
        self.mechanism.paused = False
        self.mechanism.changed()

    def stall(self) -> None:
        self._running.clear()

    def go_on(self) -> None:
        self._running.set()

    async def refuse(self) -> None:
        """New callers are turned away; open connections stay."""
        server, self._server = self._server, None
        if server is not None:
            await shut(server)

    async def accept(self) -> None:
        self._server = await self._place.serve(self._on_call)

    async def cut(self) -> None:
        """Closes the connections in good order."""
        await self._drop_peers(lambda writer: writer.close())

    async def reset(self) -> None:
        """Breaks the connections: the peer gets a reset."""
        await self._drop_peers(_break)

    async def abandon(self) -> None:
        """Forgets the connections without a word."""
        self._abandoned += self._peers
        await self._drop_peers(_read_no_more)

    async def flood(self, size: int) -> None:
        """Noise to whoever is connected, at once."""
        for writer in list(self._peers):
            with suppress(OSError):
                writer.write(self._random.randbytes(size))
                await writer.drain()

    def _on_call(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.calls += 1
        talk = self._serve(reader, writer)
        self._peers[writer] = attended(talk, lambda: self._hang_up(writer))

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        speaking = asyncio.create_task(self._speak(waiting, writer))
        now_s = asyncio.get_running_loop().time

        def answer(data: bytes) -> None:
            if not self.faults.mute:
                waiting.put_nowait((now_s() + self.faults.late_s, data))

        engine = engine_for(self._config, self.mechanism, answer)
        await self._notify()
        try:
            while data := await reader.read(4096):
                await self._running.wait()
                self.received = (self.received + data)[-RECEIVED_KEPT_BYTES:]
                engine.take(data)
                await self._notify()
        except OSError as error:
            log.debug("simulator_peer_lost", reason=str(error))
        finally:
            speaking.cancel()
            await self._forget(writer)

    async def _speak(
        self, waiting: "asyncio.Queue[tuple[float, bytes]]", writer: StreamWriter
    ) -> None:
        now_s = asyncio.get_running_loop().time
        with suppress(OSError):
            while True:
                due_s, data = await waiting.get()
                await asyncio.sleep(max(0.0, due_s - now_s()))
                await self._running.wait()
                await self._say(self._with_noise(data), writer)
                self.answers += 1

    async def _say(self, data: bytes, writer: StreamWriter) -> None:
        gap_s = self.faults.byte_gap_s
        for piece in [bytes([byte]) for byte in data] if gap_s else [data]:
            writer.write(piece)
            await writer.drain()
            if gap_s:
                await asyncio.sleep(gap_s)

    def _with_noise(self, data: bytes) -> bytes:
        match self.faults.noise:
            case Noise.NONE:
                return data
            case Noise.BEFORE:
                return self._random.randbytes(_NOISE_BYTES) + data
            case Noise.INSTEAD:
                return self._random.randbytes(_NOISE_BYTES)

    async def _forget(self, writer: StreamWriter) -> None:
        self._hang_up(writer)
        await self._notify()

    def _hang_up(self, writer: StreamWriter) -> None:
        self._peers.pop(writer, None)
        if writer not in self._abandoned:
            writer.close()

    async def _drop_peers(self, part: Callable[[StreamWriter], None]) -> None:
        gone, self._peers = self._peers, {}
        for writer, serving in gone.items():
            part(writer)
            serving.cancel()
        await self._notify()

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(holds)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _seeded(seed: int) -> Random:
    # Repeatable misfortune, not a secret.
    return Random(seed)  # noqa: S311


def _break(writer: StreamWriter) -> None:
    linger_none = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_none)
    writer.transport.abort()


def _read_no_more(writer: StreamWriter) -> None:
    cast(asyncio.Transport, writer.transport).pause_reading()

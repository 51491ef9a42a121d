"""A Modbus device that is a real peer: for tests, for the demo and for trying a configuration."""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Self

import structlog

from drivers.plcs.modbus import pdu
from drivers.plcs.modbus.framing import Message, NotModbus
from drivers.plcs.modbus.machines import Encoder, Gate
from drivers.plcs.modbus.points import Change, Points
from drivers.plcs.modbus.serving import ModbusFaults, answered, questions
from drivers.plcs.modbus.settings import ModbusFramer
from drivers.plcs.modbus.simulation import ModbusSimulatorConfig
from drivers.plcs.tags import Scalar

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

QUESTIONS_KEPT = 10_000


class ModbusSimulator:
    """Serves its units to everybody who connects.

    While it runs: `get`, `put` and `expect` for its points; `faults` may be set; `stall` holds all
    answers back and `resume` sends them, late; `cut` closes the connections, `reset` breaks them,
    `abandon` leaves them half open as a power cut does, `refuse` turns callers away until
    `accept`, `flood` sends noise. Use as `async with`, or `start` and `close`; twice is fine.
    """

    def __init__(self, config: ModbusSimulatorConfig) -> None:
        self.config = config
        self.port = config.port
        self.faults = ModbusFaults()
        self.points = Points(config.units)
        self.encoders: dict[str, Encoder] = {}
        self.gates: dict[str, Gate] = {}
        self.asked: deque[Message] = deque(maxlen=QUESTIONS_KEPT)
        self.calls = 0
        self._running = asyncio.Event()
        self._running.set()
        # Repeatable misfortune, not a secret.
        self._random = Random(7)  # noqa: S311
        self._server: asyncio.Server | None = None
        self._peers: dict[StreamWriter, asyncio.Task[None]] = {}
        self._abandoned: list[StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._add_machines()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Raises OSError where the port is taken."""
        await self.accept()
        self._tasks = [asyncio.create_task(each.run()) for each in self.encoders.values()]

    async def close(self) -> None:
        await self.refuse()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks.clear()
        for gate in self.gates.values():
            gate.close()
        for writer in self._abandoned:
            writer.transport.abort()
        self._abandoned.clear()

    @property
    def peer_count(self) -> int:
        return len(self._peers)

    def get(self, name: str) -> Scalar:
        return self.points.get(name)

    def put(self, name: str, value: Scalar) -> None:
        self.points.put(name, value)

    def expect(self, name: str, value: Scalar | None = None) -> "asyncio.Future[Change]":
        """As `Points`."""
        return self.points.expect(name, value)

    def stall(self) -> None:
        self._running.clear()

    def resume(self) -> None:
        self._running.set()

    async def accept(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._on_call, self.config.host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Callers are turned away and the connections closed."""
        if self._server is not None:
            self._server.close()
        self._server = None
        await self.cut()

    async def cut(self) -> None:
        await self._drop_peers(lambda writer: writer.close())

    async def reset(self) -> None:
        await self._drop_peers(_break)

    async def abandon(self) -> None:
        self._abandoned += self._peers
        await self._drop_peers(lambda _: None)

    async def flood(self, size: int) -> None:
        """So many bytes of noise to everybody, whether anybody asked or not."""
        for writer in list(self._peers):
            with suppress(OSError):
                writer.write(self._random.randbytes(size))
                await writer.drain()

    def _add_machines(self) -> None:
        for unit in self.config.units:
            points = {point.name: point for point in unit.points}
            for encoder in unit.encoders:
                machine = Encoder(encoder, points[encoder.point], self.points)
                self.encoders[encoder.point] = machine
            self.gates |= {gate.coil: Gate(gate, self.points) for gate in unit.gates}

    def _on_call(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.calls += 1
        self._peers[writer] = asyncio.create_task(self._serve(reader, writer))

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        frames = questions(self.config.framer)
        try:
            while data := await reader.read(4096):
                for asked in frames.feed(data):
                    await self._respond(asked, writer)
        except (OSError, NotModbus) as error:
            log.debug("simulator_peer_lost", reason=str(error))
        finally:
            self._peers.pop(writer, None)
            if writer not in self._abandoned:
                writer.close()

    async def _respond(self, asked: Message, writer: StreamWriter) -> None:
        """What is asked is done at once; the answer may come late."""
        self.asked.append(asked)
        answer = self._answer(asked)
        if self.faults.delay_s:
            await asyncio.sleep(self.faults.delay_s)
        await self._running.wait()
        if answer is None or asked.unit in self.faults.silent_units:
            return
        noise = self._random.randbytes(self._random.randint(8, 64))
        writer.write(answered(self.config.framer, asked, answer, self.faults, noise))
        await writer.drain()

    def _answer(self, asked: Message) -> bytes | None:
        memory = self.points.memory(asked.unit)
        if memory is None and self.config.framer is ModbusFramer.RTU:
            return None  # nobody on the line feels spoken to
        code = self._refusal() if memory is not None else pdu.GATEWAY_NO_ANSWER
        if memory is None or code is not None:
            return bytes((asked.pdu[0] | 0x80, code or 0))
        answer = memory.answer(asked.pdu)
        self.points.notice(asked.unit)
        return answer

    def _refusal(self) -> int | None:
        if self.faults.busy > 0:
            self.faults.busy -= 1
            return pdu.BUSY
        return self.faults.exception

    async def _drop_peers(self, part: Callable[[StreamWriter], None]) -> None:
        gone, self._peers = self._peers, {}
        for writer, serving in gone.items():
            part(writer)
            serving.cancel()
        if gone:
            await asyncio.wait(gone.values())


def _break(writer: StreamWriter) -> None:
    linger_none = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_none)
    writer.transport.abort()

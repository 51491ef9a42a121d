"""A Modbus device that is a real peer: for tests, for the demo and for trying a configuration."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from random import Random
from typing import Self

from drivers.plcs.modbus import pdu
from drivers.plcs.modbus.carriers import Carrier, PtyCarrier, Receive, Send, SocketCarrier
from drivers.plcs.modbus.framing import Message
from drivers.plcs.modbus.machines import Encoder, Gate
from drivers.plcs.modbus.points import Change, Points
from drivers.plcs.modbus.serving import ModbusFaults, answered, questions
from drivers.plcs.modbus.settings import ModbusFramer
from drivers.plcs.modbus.simulation import ModbusSimulatorConfig
from drivers.plcs.tags import Scalar

QUESTIONS_KEPT = 10_000


class ModbusSimulator:
    """Serves its units to everybody who connects.

    While it runs: `get`, `put` and `expect` for its points; `faults` may be set; `stall` holds all
    answers back and `resume` sends them, late; `cut` closes the connections, `reset` breaks them,
    `abandon` leaves them half open as a power cut does, `refuse` turns callers away until
    `accept`, `flood` sends noise. `asked` keeps the questions, `calls` counts the callers. Use as
    `async with`, or `start` and `close`; twice is fine.
    """

    def __init__(self, config: ModbusSimulatorConfig) -> None:
        self.config = config
        self.faults = ModbusFaults()
        self.points = Points(config.units)
        self.encoders: dict[str, Encoder] = {}
        self.gates: dict[str, Gate] = {}
        self.asked: deque[Message] = deque(maxlen=QUESTIONS_KEPT)
        self._running = asyncio.Event()
        self._running.set()
        # Repeatable misfortune, not a secret.
        self._random = Random(7)  # noqa: S311
        self._watchers: list[Callable[[Message], Awaitable[None]]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._sockets = SocketCarrier(self._serve, config.host, config.port)
        self._carrier: Carrier = self._sockets
        if config.device is not None:
            self._carrier = PtyCarrier(self._serve, config.device)
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
        await self._carrier.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks.clear()
        for gate in self.gates.values():
            gate.close()

    @property
    def port(self) -> int:
        return self._sockets.port

    @property
    def calls(self) -> int:
        return self._carrier.calls

    @property
    def peer_count(self) -> int:
        return self._carrier.peer_count

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

    def watch(self, watcher: Callable[[Message], Awaitable[None]]) -> None:
        """Called with each question that has been dealt with, before its answer goes out."""
        self._watchers.append(watcher)

    async def accept(self) -> None:
        await self._carrier.accept()

    async def refuse(self) -> None:
        await self._carrier.refuse()

    async def cut(self) -> None:
        """A serial device that was pulled and is back at once."""
        await self._carrier.cut()

    async def reset(self) -> None:
        """On the network."""
        await self._sockets.reset()

    async def abandon(self) -> None:
        await self._carrier.abandon()

    async def flood(self, size: int) -> None:
        """So many bytes of noise to everybody, whether anybody asked or not."""
        await self._carrier.send_all(self._random.randbytes(size))

    def _add_machines(self) -> None:
        for unit in self.config.units:
            points = {point.name: point for point in unit.points}
            for encoder in unit.encoders:
                machine = Encoder(encoder, points[encoder.point], self.points)
                self.encoders[encoder.point] = machine
            self.gates |= {gate.coil: Gate(gate, self.points) for gate in unit.gates}

    async def _serve(self, receive: Receive, send: Send) -> None:
        frames = questions(self.config.spoken)
        while data := await receive():
            for asked in frames.feed(data):
                await self._respond(asked, send)

    async def _respond(self, asked: Message, send: Send) -> None:
        """What is asked is done at once; the answer may come late."""
        self.asked.append(asked)
        answer = self._answer(asked)
        telling = self._telling(asked, answer)
        for watcher in self._watchers:
            await watcher(asked)
        if self.faults.delay_s:
            await asyncio.sleep(self.faults.delay_s)
        await self._running.wait()
        if answer is None or asked.unit in self.faults.silent_units:
            return
        noise = self._random.randbytes(self._random.randint(8, 64))
        await send(answered(self.config.spoken, asked, answer, self.faults, noise))
        for told in telling:
            if not told.done():
                told.set_result(None)

    def _telling(self, asked: Message, answer: bytes | None) -> "list[asyncio.Future[None]]":
        if answer is None or answer[0] & 0x80:
            return []
        return self.points.told_by(asked.unit, asked.pdu)

    def _answer(self, asked: Message) -> bytes | None:
        memory = self.points.memory(asked.unit)
        if memory is None and self.config.spoken is ModbusFramer.RTU:
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

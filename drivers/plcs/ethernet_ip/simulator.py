"""A device that is a real EtherNet/IP peer: for tests, for the demo, for trying a configuration.

It listens on TCP and answers explicit messages, on CIP connections of class 3 and without: the
tags of a controller, and assemblies as scanners have them. It offers no cyclic I/O over UDP.
"""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from random import Random, SystemRandom
from typing import Self

import structlog

from drivers.attending import attended, shut
from drivers.held_port import HeldPort
from drivers.plcs.ethernet_ip.encapsulation import (
    HEADER,
    BadEnvelope,
    Frame,
    data_length,
)
from drivers.plcs.ethernet_ip.simulation import EthernetIpSimulatorConfig, SimulatedFaults
from drivers.plcs.ethernet_ip.target.memory import TagMemory
from drivers.plcs.ethernet_ip.target.router import MessageRouter
from drivers.plcs.ethernet_ip.target.sessions import Session
from drivers.plcs.tags import Scalar

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class EthernetIpSimulator:
    """While it runs: tags are read and set by address and awaited (`shows`), `faults` may be set;
    `stall` and `resume` hold and free all answers; `cut` closes the connections, `reset` breaks
    them, `abandon` leaves them half open as a power cut does; `refuse` and `accept` close and open
    the port; `flood` sends what nobody asked for. Use as `async with`, or `start` and `close`;
    closing twice is fine."""

    def __init__(self, config: EthernetIpSimulatorConfig, random: Random | None = None) -> None:
        self.memory = TagMemory(config.tags)
        self.called_count = 0
        self._config = config
        self._place = HeldPort(config.host, config.port)
        self._router = MessageRouter(config, self.memory)
        self._random = random or SystemRandom()
        self._free = asyncio.Event()
        self._free.set()
        self._server: asyncio.Server | None = None
        self._peers: dict[StreamWriter, asyncio.Task[None]] = {}
        self._abandoned: list[StreamWriter] = []
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Raises OSError where the port is taken."""
        await self.accept()

    async def close(self) -> None:
        await self.refuse()
        self._place.close()
        tasks = set(self._peers.values())
        for task in tasks:
            task.cancel()
        for writer in (*self._peers, *self._abandoned):
            writer.transport.abort()
        if tasks:
            await asyncio.wait(tasks)
        self._abandoned.clear()

    async def accept(self) -> None:
        if self._server is None:
            self._server = await self._place.serve(self._on_call)

    async def refuse(self) -> None:
        """Turns callers away; who is connected stays so."""
        server, self._server = self._server, None
        if server is not None:
            await shut(server)

    @property
    def port(self) -> int:
        return self._place.port

    @property
    def faults(self) -> SimulatedFaults:
        return self._router.faults

    @faults.setter
    def faults(self, faults: SimulatedFaults) -> None:
        self._router.faults = faults

    @property
    def served(self) -> Counter[int]:
        """How often each service was asked for."""
        return self._router.served

    @property
    def managed(self) -> Counter[int]:
        """The same of the connection manager: opened, closed, routed."""
        return self._router.managed

    @property
    def peer_count(self) -> int:
        return len(self._peers)

    @property
    def assemblies(self) -> Mapping[int, bytearray]:
        """By instance; they may be written in place."""
        return self._router.assemblies.data

    def value(self, address: str) -> Scalar:
        """Of one element or bit: `COUNT`, `ARR[3]`, `WORD.3`. Raises CipRefusal."""
        return self.memory.value(address)

    def values(self, name: str) -> Sequence[Scalar]:
        """All elements of a tag."""
        return self.memory.values(name)

    def set(self, address: str, value: Scalar) -> None:
        """Raises CipRefusal, and struct.error for what the element cannot hold."""
        self.memory.set(address, value)

    async def shows(self, address: str, value: Scalar) -> None:
        """Waits until a peer has written it."""
        await self.until(lambda: self.memory.value(address) == value)

    async def told(self, address: str) -> None:
        """Waits until a peer has read in its tag, after the call."""
        before = self.memory.reads(address)
        await self.until(lambda: self.memory.reads(address) > before)

    async def peers(self, count: int) -> None:
        """Waits until that many peers are connected."""
        await self.until(lambda: len(self._peers) == count)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Looked at whenever a request has been served and whenever a peer comes or goes."""
        async with self._changed:
            await self._changed.wait_for(holds)

    def stall(self) -> None:
        """Takes requests and answers none, with the connections open."""
        self._free.clear()

    def resume(self) -> None:
        """What was asked meanwhile is answered now, late."""
        self._free.set()

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

    async def send_raw(self, data: bytes) -> None:
        """Any bytes, at once, to whoever is connected."""
        for writer in list(self._peers):
            with suppress(OSError):
                writer.write(data)
                await writer.drain()

    async def flood(self, frames: int = 1000) -> None:
        """Well-formed answers to nothing."""
        stray = Frame(0x6F, bytes(16), session=0, context=b"nobody's")
        await self.send_raw(stray.encode() * frames)

    def _on_call(self, reader: StreamReader, writer: StreamWriter) -> asyncio.Task[None]:
        serving = attended(self._serve(reader, writer), lambda: self._hang_up(writer))
        self._peers[writer] = serving
        self.called_count += 1
        return serving

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        await self._notify()
        session = Session(self._config, self._router)
        try:
            while True:
                await self._answer(session, await _frame(reader), writer)
                await self._notify()
        except (OSError, EOFError, BadEnvelope) as error:
            log.debug("simulator_peer_lost", reason=str(error))
        finally:
            await self._forget(writer)

    async def _answer(self, session: Session, frame: Frame, writer: StreamWriter) -> None:
        await self._free.wait()
        answer = session.answer(frame)
        if self.faults.late_s:
            await asyncio.sleep(self.faults.late_s)
        if answer is not None:
            writer.write(self._spoilt(answer))
            await writer.drain()

    def _spoilt(self, answer: Frame) -> bytes:
        if self.faults.garbage:
            return self._random.randbytes(64)
        if self.faults.scrambled and answer.data:
            noise = self._random.randbytes(len(answer.data))
            return answer.answer(noise).encode()
        return answer.encode()

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

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


async def _frame(reader: StreamReader) -> Frame:
    """Raises BadEnvelope, and EOFError at the peer's end."""
    head = await reader.readexactly(HEADER.size)
    return Frame.decode(head, await reader.readexactly(data_length(head)))


def _break(writer: StreamWriter) -> None:
    linger_none = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_none)
    writer.transport.abort()

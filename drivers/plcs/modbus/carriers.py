"""What a simulated device is reached by: a port of the network, or a serial line that is a pty."""

import asyncio
import socket
import struct
from abc import ABC, abstractmethod
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import structlog

from drivers.attending import attended, shut
from drivers.held_port import HeldPort
from drivers.plcs.modbus.framing import NotModbus
from drivers.scanners.nodes import PtyNode

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# Both ends of one peer: what it sent (nothing at its end), and what it is sent.
Receive = Callable[[], Awaitable[bytes]]
Send = Callable[[bytes], Awaitable[None]]
Serve = Callable[[Receive, Send], Awaitable[None]]


class Carrier(ABC):
    """Calls `serve` for each peer that comes. `calls` counts them."""

    def __init__(self, serve: Serve) -> None:
        self.calls = 0
        self._serve = serve

    @property
    @abstractmethod
    def peer_count(self) -> int: ...

    @abstractmethod
    async def accept(self) -> None:
        """Reachable from now on. Raises OSError."""

    @abstractmethod
    async def refuse(self) -> None:
        """Not reachable, and nobody is connected any more."""

    @abstractmethod
    async def cut(self) -> None:
        """Nobody is connected any more."""

    @abstractmethod
    async def abandon(self) -> None:
        """Whoever is connected is forgotten without a word."""

    @abstractmethod
    async def send_all(self, data: bytes) -> None:
        """To everybody who is connected."""

    @abstractmethod
    async def close(self) -> None: ...


class SocketCarrier(Carrier):
    def __init__(self, serve: Serve, host: str, port: int) -> None:
        super().__init__(serve)
        self._place = HeldPort(host, port)
        self._server: asyncio.Server | None = None
        self._peers: dict[StreamWriter, asyncio.Task[None]] = {}
        self._abandoned: list[StreamWriter] = []

    @property
    def port(self) -> int:
        return self._place.port

    @property
    def peer_count(self) -> int:
        return len(self._peers)

    async def accept(self) -> None:
        if self._server is None:
            self._server = await self._place.serve(self._on_call)

    async def refuse(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await shut(server)
        await self.cut()

    async def cut(self) -> None:
        await self._drop(lambda writer: writer.close())

    async def reset(self) -> None:
        """Breaks the connections."""
        await self._drop(_break)

    async def abandon(self) -> None:
        self._abandoned += self._peers
        await self._drop(lambda _: None)

    async def send_all(self, data: bytes) -> None:
        for writer in list(self._peers):
            with suppress(OSError):
                writer.write(data)
                await writer.drain()

    async def close(self) -> None:
        await self.refuse()
        self._place.close()
        for writer in self._abandoned:
            writer.transport.abort()
        self._abandoned.clear()

    def _on_call(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.calls += 1
        self._peers[writer] = attended(self._attend(reader, writer), lambda: self._hang_up(writer))

    async def _attend(self, reader: StreamReader, writer: StreamWriter) -> None:
        async def receive() -> bytes:
            return await reader.read(4096)

        async def send(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        try:
            await self._serve(receive, send)
        except (OSError, NotModbus) as error:
            log.debug("simulator_peer_lost", reason=str(error))

    def _hang_up(self, writer: StreamWriter) -> None:
        self._peers.pop(writer, None)
        if writer not in self._abandoned:
            writer.close()

    async def _drop(self, part: Callable[[StreamWriter], None]) -> None:
        gone, self._peers = self._peers, {}
        for writer, serving in gone.items():
            part(writer)
            serving.cancel()
        if gone:
            await asyncio.wait(gone.values())


class PtyCarrier(Carrier):
    """One peer at most. Cut, the device file goes and another comes in its place."""

    def __init__(self, serve: Serve, device: Path) -> None:
        super().__init__(serve)
        self._device = device
        self._node: PtyNode | None = None
        self._deaf: list[PtyNode] = []
        self._heard: asyncio.Queue[bytes] = asyncio.Queue()
        self._serving: asyncio.Task[None] | None = None

    @property
    def peer_count(self) -> int:
        return int(self._node is not None and self._node.taken)

    async def accept(self) -> None:
        if self._node is not None:
            return
        self._node = PtyNode(self._device, self._changed, self._heard.put)
        await self._node.plug()
        self._serving = asyncio.create_task(self._attend(self._node))

    async def refuse(self) -> None:
        node = await self._left()
        if node is not None:
            self._device.unlink(missing_ok=True)
            await node.unplug()

    async def cut(self) -> None:
        await self.refuse()
        await self.accept()

    async def abandon(self) -> None:
        node = await self._left()
        if node is not None:
            node.deafen()
            self._deaf.append(node)
        await self.accept()

    async def send_all(self, data: bytes) -> None:
        if self._node is not None:
            await self._node.send(data)

    async def close(self) -> None:
        await self.refuse()
        for node in self._deaf:
            await node.unplug()
        self._deaf.clear()

    async def _left(self) -> PtyNode | None:
        node, self._node = self._node, None
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.wait({self._serving})
        self._heard = asyncio.Queue()
        return node

    async def _attend(self, node: PtyNode) -> None:
        with suppress(OSError):
            await self._serve(self._heard.get, node.send)

    async def _changed(self) -> None:
        self.calls += self.peer_count


def _break(writer: StreamWriter) -> None:
    linger_none = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_none)
    writer.transport.abort()

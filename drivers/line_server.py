"""A server of line-oriented protocols that can be told to misbehave: what simulators stand on."""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import SystemRandom
from typing import Protocol, Self

import structlog

from drivers.attending import attended, shut
from drivers.held_port import HeldPort

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_noise = SystemRandom().randbytes


class Conversation(Protocol):
    """One connection's side of the protocol. Answers may be of several lines."""

    def heard(self, line: str) -> str | None:
        """The answer to one line, without its end; None for silence."""

    def over(self) -> None:
        """The connection has ended."""


class LinePeer:
    """One connection. What is sent goes out in order, and not while the server is stalled."""

    def __init__(self, server: "LineServer", writer: StreamWriter) -> None:
        self.leaving = False
        self.conversation: Conversation | None = None
        self._server = server
        self._writer = writer
        self._turn = asyncio.Lock()
        self._pushes: set[asyncio.Task[None]] = set()

    @property
    def writer(self) -> StreamWriter:
        return self._writer

    async def send(self, text: str) -> None:
        """A peer that is gone is no error: its reading side sees the end."""
        async with self._turn:
            data = await self._server.misbehaved(text)
            with suppress(OSError):
                self._writer.write(data)
                await self._writer.drain()

    def push(self, text: str) -> None:
        """Sends without being asked, and without waiting."""
        task = asyncio.create_task(self.send(text))
        self._pushes.add(task)
        task.add_done_callback(self._pushes.discard)

    def end(self) -> None:
        for task in self._pushes:
            task.cancel()
        if self.conversation is not None:
            self.conversation.over()


class LineServer:
    """`answers` makes one Conversation for each connection. `path` serves a Unix socket instead.

    While it runs: `stall` holds back what it says and `resume` lets it go, late; `delay_s` is
    before each answer; `garbled` sends noise in the place of answers; `cut` closes the
    connections, `reset` breaks them, `abandon` leaves them half open; `refuse` also stops
    listening until `accept`. Use as `async with`; closing twice is fine.
    """

    def __init__(
        self,
        answers: Callable[[LinePeer], Conversation],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        path: Path | None = None,
        line_end: str = "\n",
    ) -> None:
        self.delay_s = 0.0
        self.garbled = False
        self.connections = 0
        self._answers = answers
        self._place = HeldPort(host, port)
        self._path = path
        self._line_end = line_end
        self._free = asyncio.Event()
        self._free.set()
        self._peers: dict[LinePeer, asyncio.Task[None]] = {}
        self._abandoned: list[LinePeer] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def port(self) -> int:
        return self._place.port

    @property
    def peer_count(self) -> int:
        return len(self._peers)

    async def accept(self) -> None:
        """Raises OSError where the address is taken."""
        if self._server is not None:
            return
        if self._path is not None:
            self._server = await asyncio.start_unix_server(self._on_call, self._path)
            return
        self._server = await self._place.serve(self._on_call)

    async def refuse(self) -> None:
        await self._stop_listening()
        await self.cut()

    async def close(self) -> None:
        await self._stop_listening()
        self._place.close()
        tasks = set(self._peers.values())
        for task in tasks:
            task.cancel()
        for peer in (*self._peers, *self._abandoned):
            peer.writer.transport.abort()
        if tasks:
            await asyncio.wait(tasks)
        self._abandoned.clear()

    def stall(self) -> None:
        self._free.clear()

    def resume(self) -> None:
        self._free.set()

    async def cut(self) -> None:
        await self._drop_peers(lambda peer: peer.writer.close())

    async def reset(self) -> None:
        await self._drop_peers(lambda peer: _break(peer.writer))

    async def abandon(self) -> None:
        self._abandoned += self._peers
        await self._drop_peers(lambda _: None)

    async def send_raw(self, data: bytes) -> None:
        """Any bytes, at once, to whoever is connected."""
        for peer in list(self._peers):
            with suppress(OSError):
                peer.writer.write(data)
                await peer.writer.drain()

    async def misbehaved(self, text: str) -> bytes:
        """For a peer: what becomes of an answer, once it may go."""
        await self._free.wait()
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        data = (text + "\n").replace("\n", self._line_end).encode()
        return _noise(len(data)) + b"\n" if self.garbled else data

    async def _stop_listening(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await shut(server)
            if self._path is not None:
                self._path.unlink(missing_ok=True)

    def _on_call(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        peer = LinePeer(self, writer)
        peer.conversation = self._answers(peer)
        self._peers[peer] = attended(self._serve(peer, reader), lambda: self._hang_up(peer))

    async def _serve(self, peer: LinePeer, reader: StreamReader) -> None:
        try:
            while not peer.leaving and (line := await reader.readline()):
                await self._answer(peer, line)
        except (OSError, ValueError) as error:  # ValueError: a line without end
            log.debug("simulator_peer_lost", reason=str(error))
        finally:
            peer.end()

    def _hang_up(self, peer: LinePeer) -> None:
        self._peers.pop(peer, None)
        if peer not in self._abandoned:
            peer.writer.close()

    async def _answer(self, peer: LinePeer, line: bytes) -> None:
        conversation = peer.conversation
        if conversation is None:
            return
        answer = conversation.heard(line.decode("utf-8", "replace").rstrip("\r\n"))
        if answer is not None:
            await peer.send(answer)

    async def _drop_peers(self, part: Callable[[LinePeer], None]) -> None:
        gone, self._peers = self._peers, {}
        for peer, serving in gone.items():
            part(peer)
            serving.cancel()
        if gone:
            await asyncio.wait(gone.values())


def _break(writer: StreamWriter) -> None:
    linger_none = struct.pack("ii", 1, 0)
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_none)
    writer.transport.abort()

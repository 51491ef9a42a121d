"""What lies between a simulated controller and its clients: a wire that can misbehave."""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import suppress

PIECE_BYTES = 65536


class Relay:
    """Passes everything on to a port of this machine, both ways.

    While it runs: `stall` holds all that is sent, with the connections open, until `resume`;
    `delay_s` passes each answer on that much later; `refuses` closes whatever is opened from now
    on; `cut` closes the connections, `reset` breaks them, `abandon` leaves them half open as a
    power cut does; `garble` sends bytes of one's own to the clients.
    """

    def __init__(self) -> None:
        self.delay_s = 0.0
        self.refuses = False
        self.opened_count = 0
        self.port = 0
        self._target = 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._wires: dict[StreamWriter, StreamWriter] = {}
        self._abandoned: list[StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int, target: int) -> None:
        """Raises OSError where the port is taken."""
        self._target = target
        self._server = await asyncio.start_server(self._on_call, host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Nobody is connected, and nobody can connect."""
        if self._server is not None:
            self._server.close()
        self._server = None
        for task in self._tasks:
            task.cancel()
        for writer in (*self._wires, *self._wires.values(), *self._abandoned):
            writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._abandoned.clear()

    @property
    def is_open(self) -> bool:
        return self._server is not None

    @property
    def peer_count(self) -> int:
        return len(self._wires)

    def stall(self) -> None:
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def cut(self) -> None:
        self._part(lambda writer: writer.close())

    def reset(self) -> None:
        self._part(_break)

    def abandon(self) -> None:
        self._abandoned += self._wires
        self._part(lambda _: None)

    def garble(self, data: bytes) -> None:
        for client in self._wires:
            client.write(data)

    def _part(self, part: Callable[[StreamWriter], None]) -> None:
        gone, self._wires = self._wires, {}
        for client, server in gone.items():
            part(client)
            server.transport.abort()

    def _on_call(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.opened_count += 1
        if self.refuses:
            _break(writer)
            return
        task = asyncio.create_task(self._pass_both_ways(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass_both_ways(self, reader: StreamReader, client: StreamWriter) -> None:
        try:
            answers, server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _break(client)
            return
        self._wires[client] = server
        try:
            passing = (self._pass(reader, server), self._pass(answers, client, is_answer=True))
            tasks = [asyncio.create_task(each) for each in passing]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            self._wires.pop(client, None)
            server.close()
            if client not in self._abandoned:
                client.close()

    async def _pass(
        self, reader: StreamReader, writer: StreamWriter, *, is_answer: bool = False
    ) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE_BYTES):
                await self._flowing.wait()
                if is_answer and self.delay_s:
                    await asyncio.sleep(self.delay_s)
                writer.write(piece)
                await writer.drain()


def _break(writer: StreamWriter) -> None:
    linger_none = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_none)
    writer.transport.abort()

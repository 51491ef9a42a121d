"""What lies between a simulated controller and its clients: a wire that can misbehave."""

import asyncio
import secrets
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import suppress

from drivers.attending import attended, shut
from drivers.held_port import HeldPort

PIECE_BYTES = 65536
MOST_UNDER_WAY = 1000


class Relay:
    """Passes everything on to a port of this machine, both ways.

    While it runs: `stall` holds all that is sent, with the connections open, until `resume`;
    `delay_s` passes each answer on that much later; `garbles` makes noise of them; `refuses`
    breaks whatever is opened from now on; `cut` closes the connections, `reset` breaks them,
    `abandon` leaves them half open as a power cut does; `flood` sends noise unasked.
    """

    def __init__(self, host: str, port: int) -> None:
        self.delay_s = 0.0
        self.garbles = False
        self.refuses = False
        self.opened_count = 0
        self._place = HeldPort(host, port)
        self._target = 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._wires: dict[StreamWriter, StreamWriter] = {}
        self._abandoned: list[StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, target: int, listener: socket.socket | None = None) -> None:
        """Raises OSError where the port is taken. A `listener` is there already, with whoever has
        dialled it: its port is not held once it is stopped."""
        self._target = target
        if listener is not None:
            self._server = await asyncio.start_server(self._on_call, sock=listener)
            self._place.port = listener.getsockname()[1]
        else:
            self._server = await self._place.serve(self._on_call)

    async def stop(self) -> None:
        """Nobody is connected, and nobody can connect. Its port stays its own until `close`."""
        server, self._server = self._server, None
        if server is not None:
            await shut(server)
        for task in self._tasks:
            task.cancel()
        for writer in (*self._wires, *self._wires.values(), *self._abandoned):
            writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._abandoned.clear()

    async def close(self) -> None:
        await self.stop()
        self._place.close()

    @property
    def is_open(self) -> bool:
        return self._server is not None

    @property
    def port(self) -> int:
        return self._place.port

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

    async def flood(self, size: int) -> None:
        for client in list(self._wires):
            with suppress(OSError):
                client.write(secrets.token_bytes(size))
                await client.drain()

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
        task = attended(self._pass_both_ways(reader, writer), lambda: self._hang_up(writer))
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
            passing = (self._pass(reader, server), self._pass_late(answers, client))
            tasks = [asyncio.create_task(each) for each in passing]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            self._wires.pop(client, None)
            server.close()

    def _hang_up(self, writer: StreamWriter) -> None:
        if writer not in self._abandoned:
            writer.close()

    async def _pass(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE_BYTES):
                await self._flowing.wait()
                writer.write(piece)
                await writer.drain()

    async def _pass_late(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answers, in order; one that is late keeps no other waiting that is."""
        underway: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(MOST_UNDER_WAY)
        arriving = asyncio.create_task(self._deliver(underway, writer))
        try:
            while piece := await reader.read(PIECE_BYTES):
                await underway.put((_now_s() + self.delay_s, piece))
        except OSError:
            return
        finally:
            arriving.cancel()

    async def _deliver(
        self, underway: "asyncio.Queue[tuple[float, bytes]]", writer: StreamWriter
    ) -> None:
        with suppress(OSError):
            while True:
                due_s, piece = await underway.get()
                await asyncio.sleep(max(0.0, due_s - _now_s()))
                await self._flowing.wait()
                writer.write(secrets.token_bytes(len(piece)) if self.garbles else piece)
                await writer.drain()


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _break(writer: StreamWriter) -> None:
    linger_none = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_none)
    writer.transport.abort()

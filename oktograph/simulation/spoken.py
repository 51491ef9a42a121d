"""Where a console is spoken to: standard input, or a port of this machine."""

import asyncio
import os
import signal
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from drivers.attending import attended, shut
from oktograph.simulation.console import ERROR, Console

PIECE: Final = 4096
HOST: Final = "127.0.0.1"


@asynccontextmanager
async def obeying_stdin(console: Console, answer: Callable[[str], None]) -> AsyncIterator[None]:
    """Until the input ends; then it goes on without. Where there is none (a service, a job in the
    background) nothing is read."""
    if not _is_ours():
        yield
        return
    listening = asyncio.create_task(_obey_stdin(console, answer), name="console")
    try:
        yield
    finally:
        listening.cancel()
        await asyncio.wait({listening})


def _is_ours() -> bool:
    with suppress(OSError, ValueError):
        descriptor = sys.stdin.fileno()
        if os.isatty(descriptor):
            # A job in the background that reads the terminal would be stopped.
            signal.signal(signal.SIGTTIN, signal.SIG_IGN)
            return os.getpgrp() == os.tcgetpgrp(descriptor)
        return True
    return False


async def _obey_stdin(console: Console, answer: Callable[[str], None]) -> None:
    pending = b""
    while piece := await _piece(sys.stdin.fileno()):
        *lines, pending = (pending + piece).split(b"\n")
        for line in lines:
            if words := line.decode("utf-8", "replace").split():
                answer(await console.say(words))


async def _piece(descriptor: int) -> bytes:
    """Empty at the end; a file, which cannot be waited for, is at its end at once."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(descriptor, ready.set)
    except OSError:
        return b""
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
    try:
        return os.read(descriptor, PIECE)
    except OSError:
        return b""


class ConsoleServer:
    """Obeys whoever calls from this machine, line by line. A line that it does not understand ends
    the call: a browser that was led here says nothing that it understands."""

    def __init__(self, console: Console, port: int = 0) -> None:
        self.port = port
        self._console = console
        self._server: asyncio.Server | None = None
        self._calls: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "ConsoleServer":
        """Raises OSError where the port is taken."""
        self._server = await asyncio.start_server(self._on_call, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            await shut(self._server)
        for call in self._calls:
            call.cancel()
        if self._calls:
            await asyncio.wait(self._calls)

    def _on_call(self, reader: StreamReader, writer: StreamWriter) -> None:
        call = attended(self._serve(reader, writer), writer.close)
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            while line := await reader.readline():
                answer = await self._console.say(line.decode("utf-8", "replace").split())
                writer.write(f"{answer}\n".encode())
                await writer.drain()
                if answer.startswith(ERROR):
                    return
        except (OSError, ValueError):  # gone, or a line without end
            return


async def tell(port: int, line: str) -> str:
    """What a console of this machine answers. Raises OSError where nobody listens."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(f"{line}\n".encode())
        writer.write_eof()
        return (await reader.read()).decode("utf-8", "replace").strip()
    finally:
        writer.close()

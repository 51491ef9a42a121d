"""A TCP proxy that misbehaves: it stalls, resets, and passes on only half."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random

from drivers.attending import attended, shut

CHUNK = 4096


class Trouble(StrEnum):
    """What the proxy does to a connection, each way by itself where that is said."""

    NONE = "NONE"
    REFUSE = "REFUSE"  # closed as soon as it is opened
    STALL = "STALL"  # nothing is passed on, nothing is closed
    RESET_REQUEST = "RESET_REQUEST"  # cut within the request
    HALVE_ANSWER = "HALVE_ANSWER"  # half of the answer's first piece, then closed
    RESET_ANSWER = "RESET_ANSWER"  # the request passes, the answer is cut off


@dataclass
class Proxy:
    """`trouble` is for connections and pieces from now on; `passed` counts pieces."""

    port: int = 0
    target: int | Path = 0
    trouble: Trouble = Trouble.NONE
    passed: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def set(self, trouble: Trouble) -> None:
        """Whoever stalls goes on, or meets the new trouble."""
        self.trouble = trouble
        self._changed.set()
        self._changed = asyncio.Event()

    def cut(self) -> None:
        """Resets every connection that is open."""
        for writer in tuple(self._open):
            _reset(writer)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = attended(self._talk(reader, writer), writer.transport.abort)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        self.cut()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.trouble is Trouble.REFUSE:
            _reset(writer)
            return
        try:
            onward, back = await self._dial()
        except OSError:
            _reset(writer)
            return
        self._open |= {writer, back}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, back, answers=False, other=writer))
                group.create_task(self._pass(onward, writer, answers=True, other=back))
        finally:
            self._open -= {writer, back}
            for one in (writer, back):
                one.close()
                with contextlib.suppress(OSError):
                    await one.wait_closed()

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, Path):
            return await asyncio.open_unix_connection(self.target)
        return await asyncio.open_connection("127.0.0.1", self.target)

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        answers: bool,
        other: asyncio.StreamWriter,
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(CHUNK):
                while self.trouble is Trouble.STALL:
                    await self._changed.wait()
                if self._breaks(answers):
                    if self.trouble is Trouble.HALVE_ANSWER:
                        writer.write(piece[: len(piece) // 2])
                        await writer.drain()
                    _reset(writer)
                    _reset(other)
                    return
                writer.write(piece)
                await writer.drain()
                self.passed += 1
        with contextlib.suppress(OSError):
            if writer.can_write_eof() and not writer.is_closing():
                writer.write_eof()

    def _breaks(self, answers: bool) -> bool:
        if answers:
            return self.trouble in (Trouble.HALVE_ANSWER, Trouble.RESET_ANSWER)
        return self.trouble is Trouble.RESET_REQUEST


def _reset(writer: asyncio.StreamWriter) -> None:
    """Closed with an RST: what was not sent yet is gone."""
    found = writer.get_extra_info("socket")
    if found is not None and not writer.is_closing():
        with contextlib.suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


@contextlib.asynccontextmanager
async def proxied(target: int | Path) -> AsyncIterator[Proxy]:
    """In front of a local port, or of a socket in the file system."""
    proxy = Proxy(target=target)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        await shut(server)
        await proxy.close()


async def bad_weather(
    proxy: Proxy, random: Random, *, rough_s: float = 0.12, calm_s: float = 0.03
) -> None:
    """Until cancelled: troubles of up to `rough_s` with calm of up to `calm_s` in between, and
    connections cut at the end of it."""
    kinds = [kind for kind in Trouble if kind is not Trouble.NONE]
    while True:
        proxy.set(random.choice(kinds))
        await asyncio.sleep(random.uniform(rough_s / 6, rough_s))
        proxy.set(Trouble.NONE)
        await asyncio.sleep(random.uniform(0, calm_s))
        if random.random() < 0.5:
            proxy.cut()

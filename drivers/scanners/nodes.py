"""The far end of a device file: what a simulator holds so that a driver can open the near one."""

import asyncio
import fcntl
import os
import select
import struct
import termios
import tty
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from drivers.descriptors import readable, writable

# No event tells that a device file was opened.
LOOK_S: Final = 0.005
# A driver empties the line when it opens it. A program that does not is taken for ready by then.
READY_S: Final = 0.5
# A pipe takes so many bytes whole or not at all: 168 key events or 63 reports, none of them cut.
PIPE_PIECE: Final = 4032

OnChange = Callable[[], Awaitable[None]]
OnData = Callable[[bytes], Awaitable[None]]


class Node(ABC):
    """One plugged device. `taken` while a driver has it open and listens."""

    def __init__(self, path: Path, on_change: OnChange, on_data: OnData) -> None:
        self.taken = False
        self._path = path
        self._on_change = on_change
        self._on_data = on_data
        self._fd = -1
        self._piece = PIPE_PIECE
        self._gone = asyncio.Event()
        self._sending = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None

    async def plug(self) -> None:
        """Appears at the path, in place of what a simulator had there. Raises OSError."""
        name = self._path.with_name(f".{self._path.name}.{id(self):x}")
        self._fd = self._make(name)
        os.set_blocking(self._fd, False)
        name.replace(self._path)
        self._watch = asyncio.create_task(self._watch_on())

    async def unplug(self) -> None:
        """Whoever has it open meets the end. The path is left to who plugged it."""
        self._gone.set()
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait({self._watch})
        async with self._sending:
            if self._fd >= 0:
                os.close(self._fd)
            self._fd = -1
        await self._take(False)

    def deafen(self) -> None:
        """Stays open, with nobody behind it."""
        self._gone.set()
        if self._watch is not None:
            self._watch.cancel()
        self.taken = False

    async def send(self, data: bytes) -> None:
        """Waits while the driver does not read; drops the rest when it goes."""
        async with self._sending:
            for at in range(0, len(data), self._piece):
                await self._send_piece(memoryview(data)[at : at + self._piece])

    async def _send_piece(self, piece: memoryview) -> None:
        while piece and self.taken and not self._gone.is_set():
            try:
                piece = piece[os.write(self._fd, piece) :]
            except BlockingIOError:
                await self._room()
            except BrokenPipeError:
                return

    async def _room(self) -> None:
        waiting = [
            asyncio.ensure_future(writable(self._fd)),
            asyncio.ensure_future(self._gone.wait()),
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
            await asyncio.wait(waiting)

    async def _watch_on(self) -> None:
        while True:
            while not self._is_open():  # noqa: ASYNC110 - see LOOK_S
                await asyncio.sleep(LOOK_S)
            await self._while_open()
            await self._take(False)

    async def _take(self, taken: bool) -> None:
        if self.taken is not taken:
            self.taken = taken
            await self._on_change()

    @abstractmethod
    def _make(self, name: Path) -> int:
        """Makes the device file under that name; the descriptor of the far end."""

    @abstractmethod
    def _is_open(self) -> bool:
        """Whether a driver has it open."""

    @abstractmethod
    async def _while_open(self) -> None:
        """Until the driver has closed it."""


class PtyNode(Node):
    """A pseudo terminal, with a link to it at the path."""

    def _make(self, name: Path) -> int:
        far, near = os.openpty()
        try:
            tty.setraw(near)
            # Tells of the driver's emptying the line, after which nothing sent is lost.
            fcntl.ioctl(far, termios.TIOCPKT, struct.pack("i", 1))
            name.symlink_to(os.ttyname(near))
        except BaseException:
            os.close(far)
            raise
        finally:
            os.close(near)
        return far

    def _is_open(self) -> bool:
        return not _events(self._fd) & select.POLLHUP

    async def _while_open(self) -> None:
        ready = asyncio.create_task(self._ready_later())
        try:
            while await self._heard():
                pass
        finally:
            ready.cancel()

    async def _ready_later(self) -> None:
        await asyncio.sleep(READY_S)
        await self._take(True)

    async def _heard(self) -> bool:
        await readable(self._fd)
        try:
            packet = os.read(self._fd, 4096)
        except BlockingIOError:
            return True
        except OSError:  # nobody has it open any more
            return False
        if packet[0] & termios.TIOCPKT_FLUSHREAD:
            await self._take(True)
        if packet[1:]:
            await self._on_data(packet[1:])
        return True


class FifoNode(Node):
    """A named pipe, of which only whole pieces are read: it stands in for a HID device."""

    def _make(self, name: Path) -> int:
        os.mkfifo(name, 0o600)
        # Writing needs a reader to begin with.
        near = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return os.open(name, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        finally:
            os.close(near)

    def _is_open(self) -> bool:
        return not _events(self._fd) & select.POLLERR

    async def _while_open(self) -> None:
        await self._take(True)
        await readable(self._fd)


def _events(fd: int) -> int:
    poll = select.poll()
    poll.register(fd, 0)
    return next((events for _, events in poll.poll(0)), 0)

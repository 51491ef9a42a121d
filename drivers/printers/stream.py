"""One printer's byte stream: whole writes, answers that belong to their questions."""

import asyncio
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar, cast

from drivers.link import PeerLost
from drivers.patience import patient
from drivers.printers.port import PrinterConfig, PrinterCounters

T = TypeVar("T")
# The answer and how many bytes it took, once the bytes so far hold one.
Answer = Callable[[bytes], tuple[T, int] | None]

# What a printer may say unasked between two questions, or in one answer: far above any status.
MOST_RECEIVED = 65536
# A cable that was pulled ends nothing: unanswered bytes and quiet are both bounded by the kernel.
_KEEPALIVE = (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
_UNACKNOWLEDGED_MS = 20_000
_ACKNOWLEDGED_CHECK_S = 0.01


class _Wire(asyncio.Protocol):
    """One connection. `changed` is set on anything new, `writable` while nothing of ours waits."""

    def __init__(self, on_lost: Callable[["_Wire"], None]) -> None:
        self.received = bytearray()
        self.changed = asyncio.Event()
        self.writable = asyncio.Event()
        self.closed = asyncio.Event()
        self.reason = "closed by the printer"
        self.transport: asyncio.Transport
        self._on_lost = on_lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        # Nothing may wait in our own buffer unnoticed: `writable` means the kernel has it all.
        self.transport.set_write_buffer_limits(high=0)
        self.writable.set()
        _keep_alive(self.transport)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if len(self.received) > MOST_RECEIVED:
            self.reason = f"sent more than {MOST_RECEIVED} bytes that nobody asked for"
            self.transport.abort()
        self.changed.set()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None:
            self.reason = str(error) or type(error).__name__
        self.closed.set()
        self.writable.set()
        self.changed.set()
        self._on_lost(self)

    def check(self) -> None:
        if self.closed.is_set():
            raise PeerLost(self.reason)


class PrinterStream:
    """Neither questions nor answers carry a number in any printer language. So a question that got
    no answer in time leaves its connection in debt: the next question goes over a new one, where
    the late answer cannot come in. That dial is also the proof that the printer is still there.

    `on_lost` is called when the connection ends by itself.
    """

    def __init__(
        self, config: PrinterConfig, counters: PrinterCounters, on_lost: Callable[[], None]
    ) -> None:
        self._config = config
        self._counters = counters
        self._on_lost = on_lost
        self._wire: _Wire | None = None
        self._owed = False

    async def open(self) -> None:
        """Raises PeerLost or OSError."""
        self._wire = await self._dial()
        self._owed = False

    @property
    def peer(self) -> str:
        address = self._open_wire.transport.get_extra_info("peername")
        return f"{address[0]}:{address[1]}" if address else "a peer that is already gone"

    async def close(self) -> None:
        """What was not yet taken by the printer is dropped."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.transport.abort()
            await wire.closed.wait()

    async def send(self, data: bytes) -> None:
        """Returns once the kernel has all of it. Raises PeerLost."""
        wire = self._open_wire
        wire.check()
        wire.transport.write(data)
        try:
            async with patient(self._config.write_timeout_s):
                await wire.writable.wait()
        except TimeoutError:
            raise PeerLost(f"took no data for {self._config.write_timeout_s:g} s") from None
        wire.check()

    async def taken(self) -> None:
        """Waits until the printer's side has acknowledged every byte sent. Raises PeerLost."""
        wire = self._open_wire
        deadline_s = self._now_s() + self._config.write_timeout_s
        while _unacknowledged(wire.transport):
            if self._now_s() >= deadline_s:
                raise PeerLost(f"took no data for {self._config.write_timeout_s:g} s")
            await self.idle(_ACKNOWLEDGED_CHECK_S)
        wire.check()

    async def ask(
        self,
        question: bytes,
        answer: Answer[T],
        *,
        timeout_s: float | None = None,
        same_connection: bool = False,
    ) -> T | None:
        """None where no answer came in time. Raises PeerLost.

        `same_connection`: where an earlier question's late answer is as good as this one's.
        """
        if self._owed and not same_connection:
            await self._redial()
        if not same_connection:
            self._discard()
        await self.send(question)
        found = await self.hear(answer, timeout_s or self._config.reply_timeout_s)
        if found is None:
            self._owed = True
            self._counters.unanswered += 1
        return found

    async def hear(self, answer: Answer[T], timeout_s: float) -> T | None:
        """The next answer, without a question. Raises PeerLost."""
        wire = self._open_wire
        with suppress(TimeoutError):
            async with patient(timeout_s):
                while True:
                    found = answer(bytes(wire.received))
                    if found is not None:
                        del wire.received[: found[1]]
                        return found[0]
                    wire.check()
                    wire.changed.clear()
                    await wire.changed.wait()
        return None

    async def idle(self, for_s: float) -> None:
        """Raises PeerLost as soon as the connection ends."""
        wire = self._open_wire
        with suppress(TimeoutError):
            async with asyncio.timeout(for_s):
                await wire.closed.wait()
        wire.check()

    def check(self) -> None:
        """Raises PeerLost where the connection has ended; drops what nobody asked for."""
        self._open_wire.check()
        self._discard()

    @property
    def _open_wire(self) -> _Wire:
        if self._wire is None:
            raise PeerLost("not connected")
        return self._wire

    def _discard(self) -> None:
        wire = self._open_wire
        self._counters.stray_bytes += len(wire.received)
        wire.received.clear()

    async def _redial(self) -> None:
        """The old connection ends in good order, so that what it carries still arrives."""
        old, self._wire = self._open_wire, None
        old.transport.close()
        await old.closed.wait()
        self._wire = await self._dial()
        self._owed = False
        self._counters.redials += 1

    async def _dial(self) -> _Wire:
        config = self._config
        wire = _Wire(self._ended)
        try:
            async with asyncio.timeout(config.connect_timeout_s):
                await asyncio.get_running_loop().create_connection(
                    lambda: wire, config.host, config.port
                )
        except TimeoutError:
            raise PeerLost(f"no connection within {config.connect_timeout_s:g} s") from None
        return wire

    def _ended(self, wire: _Wire) -> None:
        """An old connection's end is no news."""
        if wire is self._wire:
            self._on_lost()

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()


def _keep_alive(transport: asyncio.Transport) -> None:
    sock: socket.socket = transport.get_extra_info("socket")
    # A peer that is gone already fails here; the reading side will say so.
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (*_KEEPALIVE, ("TCP_USER_TIMEOUT", _UNACKNOWLEDGED_MS)):
            if (option := getattr(socket, name, None)) is not None:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _unacknowledged(transport: asyncio.Transport) -> int:
    """Bytes that the peer's kernel has not acknowledged; 0 where this system cannot tell."""
    try:
        from fcntl import ioctl
        from termios import TIOCOUTQ
    except ImportError:
        return 0
    sock = transport.get_extra_info("socket")
    if sock is None or sock.fileno() < 0:
        return 0
    return int.from_bytes(ioctl(sock.fileno(), TIOCOUTQ, bytes(4)), sys.byteorder)

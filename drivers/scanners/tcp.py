"""Scanners on TCP: dialled, or dialling us."""

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address

import structlog

from domain.kernel.clock import Clock, SystemClock
from drivers.attending import shut
from drivers.link import ConfigurationFault, Link, PeerLost
from drivers.scanners.port import OnReading, ScannerConfig, ScannerPort, TcpMode
from drivers.scanners.stream import PACKET_BYTES, CodeStream

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# A peer whose cable was pulled sends nothing, not even its end: the kernel asks after 10 s of
# quiet and gives up after 3 questions 5 s apart. Heartbeats, where configured, tell sooner.
_KEEPALIVE = (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))


def tcp_scanner(
    config: ScannerConfig, on_reading: OnReading, clock: Clock | None = None
) -> ScannerPort:
    """Touches no socket yet."""
    listens = config.mode is TcpMode.LISTEN
    return (TcpListener if listens else TcpClient)(config, on_reading, clock or SystemClock())


class TcpClient:
    def __init__(self, config: ScannerConfig, on_reading: OnReading, clock: Clock) -> None:
        self.config = config
        self._stream = CodeStream(config, on_reading, clock)

    async def run(self, link: Link) -> None:
        reader, writer = await self._dial()
        keep_alive(writer)
        await self._stream.serve(reader, writer, link, _peer_name(writer))

    async def aclose(self) -> None:
        """Nothing outlives a connection."""

    def counters(self) -> Mapping[str, int]:
        return self._stream.counters.by_name()

    async def _dial(self) -> tuple[StreamReader, StreamWriter]:
        config = self.config
        try:
            async with asyncio.timeout(config.connect_timeout_s):
                return await asyncio.open_connection(config.host, config.port, limit=PACKET_BYTES)
        except TimeoutError:
            raise PeerLost(f"no answer within {config.connect_timeout_s:g} s") from None


class TcpListener:
    """Takes one scanner at a time. The newest caller wins: a scanner that was switched off and on
    dials again while its old connection still looks alive. The port stays open between attempts,
    so that a caller waits in line rather than being turned away."""

    def __init__(self, config: ScannerConfig, on_reading: OnReading, clock: Clock) -> None:
        self.config = config
        self._stream = CodeStream(config, on_reading, clock)
        self._server: asyncio.Server | None = None
        self._bound = asyncio.Event()
        self._called = asyncio.Event()
        self._caller: tuple[StreamReader, StreamWriter] | None = None
        self._served: StreamWriter | None = None

    async def bound_port(self) -> int:
        """Waits until the port is open; of use where port 0 asked for any."""
        await self._bound.wait()
        port: int = self._server.sockets[0].getsockname()[1] if self._server else self.config.port
        return port

    async def run(self, link: Link) -> None:
        await self._listen()
        reader, writer = await self._next_caller(None)
        while True:
            self._served = writer
            try:
                await self._stream.serve(reader, writer, link, _peer_name(writer))
            except (PeerLost, OSError):
                if self._caller is None and self.config.linger_s == 0:
                    raise
            finally:
                self._served = None
            reader, writer = await self._next_caller(self.config.linger_s)

    async def aclose(self) -> None:
        self._bound.clear()
        server, self._server = self._server, None
        if server is not None:
            await shut(server)
        self._drop_caller()

    def counters(self) -> Mapping[str, int]:
        return self._stream.counters.by_name()

    async def _listen(self) -> None:
        if self._server is not None:
            return
        config = self.config
        try:
            self._server = await asyncio.start_server(
                self._on_call, config.host or None, config.port, limit=PACKET_BYTES
            )
        except PermissionError as refused:
            raise ConfigurationFault(f"port {config.port}: {refused.strerror}") from refused
        self._bound.set()

    def _on_call(self, reader: StreamReader, writer: StreamWriter) -> None:
        if not self._is_allowed(writer):
            self._stream.counters.unheard += 1
            writer.transport.abort()
            return
        self._drop_caller()
        keep_alive(writer)
        self._caller = (reader, writer)
        self._called.set()
        if self._served is not None:
            log.info("scanner_replaced", device=self.config.key, peer=_peer_name(writer))
            # What has already been taken off the socket is still read; then comes the end.
            self._served.transport.abort()

    async def _next_caller(self, timeout_s: float | None) -> tuple[StreamReader, StreamWriter]:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._called.wait()
        self._called.clear()
        caller, self._caller = self._caller, None
        if caller is None:
            raise PeerLost("closed by the scanner")
        return caller

    def _drop_caller(self) -> None:
        self._called.clear()
        if self._caller is not None:
            self._caller[1].transport.abort()
        self._caller = None

    def _is_allowed(self, writer: StreamWriter) -> bool:
        allowed = self.config.allowed_peers
        peer = writer.get_extra_info("peername")
        return not allowed or (peer is not None and ip_address(peer[0]) in allowed)


def keep_alive(writer: StreamWriter) -> None:
    sock: socket.socket = writer.get_extra_info("socket")
    # A peer that is gone already fails here; the reading side will say so.
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE:
            if (option := getattr(socket, name, None)) is not None:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _peer_name(writer: StreamWriter) -> str:
    peer = writer.get_extra_info("peername")
    return f"{peer[0]}:{peer[1]}" if peer else "a peer that is already gone"

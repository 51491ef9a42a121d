"""Readings from whatever comes in pieces: a TCP connection, a serial line, a device file."""

import asyncio
from asyncio import StreamReader, StreamWriter
from typing import Protocol

from domain.kernel.clock import Clock
from drivers.link import Link, PeerLost
from drivers.patience import patient
from drivers.scanners.decoding import FrameDecoder
from drivers.scanners.framing import Frame, Framer
from drivers.scanners.intake import Intake, Reply
from drivers.scanners.port import OnReading, Reading, ScannerConfig, ScannerCounters

PACKET_BYTES = 4096
# A peer that sends codes but never takes its replies would otherwise pause the line for ever.
REPLY_DEADLINE_S = 5.0


class ByteSource(Protocol):
    async def read(self, size: int, /) -> bytes:
        """What has come, at least one byte; nothing at the end. Raises PeerLost or OSError."""


class FrameSource(Protocol):
    """Makes frames of bytes: the Framer of text, or what decodes a keyboard. The counts are
    taken away by who reads them. `quiet_gap_s` of silence ends a frame that is `pending`."""

    noise_bytes: int
    overlong: int
    truncated: int

    @property
    def quiet_gap_s(self) -> float | None: ...

    @property
    def pending(self) -> bool: ...

    def feed(self, data: bytes) -> list[Frame]: ...

    def flush(self) -> list[Frame]: ...


class CodeStream:
    """One connection may be served after the other; the counters go on. `end` says for people
    what the end of the bytes means."""

    def __init__(
        self,
        config: ScannerConfig,
        on_reading: OnReading,
        clock: Clock,
        end: str = "closed by the scanner",
    ) -> None:
        self.counters = ScannerCounters()
        self.end = end
        self._config = config
        self._on_reading = on_reading
        self._clock = clock
        self._decoder = FrameDecoder(config.framing)

    async def serve(
        self, reader: StreamReader, writer: StreamWriter, link: Link, peer: str
    ) -> None:
        """As `read_on`, answering through the writer, which it closes."""
        framer, reply = Framer(self._config.framing), _Replies(writer)
        try:
            await self.read_on(reader, framer, link, peer, reply.send)
        finally:
            writer.transport.abort()

    async def read_on(
        self,
        source: ByteSource,
        framer: FrameSource,
        link: Link,
        peer: str,
        reply: Reply | None = None,
    ) -> None:
        """Until the peer is gone or silent; raises PeerLost or OSError.

        The peer is connected at once, or where heartbeats are demanded with the first frame: an
        open port is no sign of life, and a dead scanner would come and go without end.
        """
        async with Intake(self._config, self._on_reading, self.counters, reply) as intake:
            await _Connection(self, source, framer, link, peer, intake).read_on()

    def readings(self, frame: Frame, at_us: int) -> list[Reading]:
        codes = self._decoder.decode(frame.payload)
        self.counters.control += not codes
        return [
            Reading(self._config.index, c.text, c.raw, at_us, c.no_read, c.aim_id) for c in codes
        ]

    def now_us(self) -> int:
        return self._clock.now_us()

    @property
    def config(self) -> ScannerConfig:
        return self._config


class _Replies:
    def __init__(self, writer: StreamWriter) -> None:
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """A peer that takes no reply is lost: the reading side then sees the end."""
        try:
            async with asyncio.timeout(REPLY_DEADLINE_S):
                self._writer.write(data)
                await self._writer.drain()
        except OSError:  # TimeoutError is one
            self._writer.transport.abort()


class _Connection:
    """One connection's share: where its frames stand and when it was last heard."""

    def __init__(
        self,
        stream: CodeStream,
        source: ByteSource,
        framer: FrameSource,
        link: Link,
        peer: str,
        intake: Intake,
    ) -> None:
        heartbeat = stream.config.framing.heartbeat
        self._stream = stream
        self._source = source
        self._framer = framer
        self._link = link
        self._peer = peer
        self._intake = intake
        self._silence_s = heartbeat.longest_silence_s if heartbeat else None
        self._now_s = asyncio.get_running_loop().time
        self._heard_at_s = self._now_s()
        self._is_connected = False

    async def read_on(self) -> None:
        if self._silence_s is None:
            await self._connect()
        while True:
            gap_s = self._framer.quiet_gap_s if self._framer.pending else None
            try:
                async with patient(self._patience_s(gap_s)):
                    data = await self._source.read(PACKET_BYTES)
            except TimeoutError:
                await self._quiet(gap_s)
                continue
            if not data:
                await self._end()
            await self._take(self._framer.feed(data))
            self._refuse_silence()

    async def _connect(self) -> None:
        if not self._is_connected:
            self._is_connected = True
            await self._link.connected(self._peer)

    def _patience_s(self, gap_s: float | None) -> float | None:
        limits = [gap_s] if gap_s is not None else []
        if self._silence_s is not None:
            limits.append(self._heard_at_s + self._silence_s - self._now_s())
        return min(limits, default=None)

    async def _quiet(self, gap_s: float | None) -> None:
        if gap_s is not None:
            await self._take(self._framer.flush())
        self._refuse_silence()

    def _refuse_silence(self) -> None:
        """Noise is no sign of life, however much of it there is."""
        if self._silence_s is not None and self._now_s() >= self._heard_at_s + self._silence_s:
            raise PeerLost(f"no heartbeat for {self._silence_s:g} s")

    async def _end(self) -> None:
        """Without terminators the end of the connection ends a frame too."""
        if self._framer.quiet_gap_s is not None:
            await self._take(self._framer.flush())
        raise PeerLost(self._stream.end)

    async def _take(self, frames: list[Frame]) -> None:
        at_us = self._stream.now_us()
        self._count()
        if frames:
            await self._connect()
        for frame in frames:
            if frame.heartbeat:
                self._stream.counters.heartbeats += 1
                continue
            for reading in self._stream.readings(frame, at_us):
                self._link.reading(at_us)
                await self._intake.offer(reading)
        if frames:
            # After the waiting: what the peer sent while we paused must not count as silence.
            self._heard_at_s = self._now_s()

    def _count(self) -> None:
        counters, framer = self._stream.counters, self._framer
        counters.noise_bytes += framer.noise_bytes
        counters.overlong += framer.overlong
        counters.truncated += framer.truncated
        framer.noise_bytes = framer.overlong = framer.truncated = 0

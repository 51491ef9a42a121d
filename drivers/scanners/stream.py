"""Readings from an open byte stream, whatever carries it: TCP now, a serial line as well."""

import asyncio
from asyncio import StreamReader, StreamWriter

from domain.kernel.clock import Clock
from drivers.link import Link, PeerLost
from drivers.scanners.decoding import FrameDecoder
from drivers.scanners.framing import Frame, Framer
from drivers.scanners.intake import Intake
from drivers.scanners.port import OnReading, Reading, ScannerConfig, ScannerCounters

PACKET_BYTES = 4096
# A peer that sends codes but never takes its replies would otherwise pause the line for ever.
REPLY_DEADLINE_S = 5.0


class CodeStream:
    """`serve` may be called for one connection after the other; the counters go on."""

    def __init__(self, config: ScannerConfig, on_reading: OnReading, clock: Clock) -> None:
        self.counters = ScannerCounters()
        self._config = config
        self._on_reading = on_reading
        self._clock = clock
        self._decoder = FrameDecoder(config.framing)

    async def serve(self, reader: StreamReader, writer: StreamWriter, link: Link) -> None:
        """Until the peer is gone or silent; raises PeerLost or OSError. Closes the writer."""
        reply = _Replies(writer)
        try:
            async with Intake(self._config, self._on_reading, self.counters, reply.send) as intake:
                await _Connection(self, reader, link, intake).read_on()
        finally:
            writer.transport.abort()

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
        self, stream: CodeStream, reader: StreamReader, link: Link, intake: Intake
    ) -> None:
        profile = stream.config.framing
        self._stream = stream
        self._reader = reader
        self._link = link
        self._intake = intake
        self._framer = Framer(profile)
        self._gap_s = profile.quiet_gap_s
        self._silence_s = profile.heartbeat.longest_silence_s if profile.heartbeat else None
        self._now_s = asyncio.get_running_loop().time
        self._heard_at_s = self._now_s()

    async def read_on(self) -> None:
        while True:
            gap = self._gap_s if self._framer.pending else None
            try:
                async with asyncio.timeout_at(self._deadline_s(gap)):
                    data = await self._reader.read(PACKET_BYTES)
            except TimeoutError:
                await self._quiet(gap)
                continue
            if not data:
                await self._end()
            await self._take(self._framer.feed(data))
            self._refuse_silence()

    def _deadline_s(self, gap_s: float | None) -> float | None:
        limits = [self._now_s() + gap_s] if gap_s is not None else []
        if self._silence_s is not None:
            limits.append(self._heard_at_s + self._silence_s)
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
        if self._gap_s is not None:
            await self._take(self._framer.flush())
        raise PeerLost("closed by the scanner")

    async def _take(self, frames: list[Frame]) -> None:
        at_us = self._stream.now_us()
        self._count()
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

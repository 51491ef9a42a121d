"""One opened endpoint of Modbus, whoever uses it: questions go out, and only their own answers
count, however late others come."""

import asyncio
from abc import ABC, abstractmethod
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from random import SystemRandom
from typing import Any

from drivers.link import PeerLost
from drivers.patience import patient
from drivers.plcs.modbus.framing import (
    Message,
    NotModbus,
    TcpFrames,
    rtu_answer,
    rtu_frame,
    tcp_frame,
)
from drivers.plcs.modbus.pdu import Request

PACKET_BYTES = 4096
# A frame has 256 bytes at most; what stands before that many is no answer any more.
RTU_KEPT_BYTES = 512
# A serial answer bears no number. After a question without an answer the unit is left alone for
# so many times what an answer may take: what comes within that time is too late and is dropped.
LATE_FACTOR = 3.0


@dataclass(slots=True)
class LinkCounters:
    """Of one endpoint, over all its connections. `late`: answers that nobody waited for any more;
    `noise_bytes`: what was no answer at all; `unanswered`: questions."""

    questions: int = 0
    unanswered: int = 0
    late: int = 0
    noise_bytes: int = 0

    def by_name(self) -> Mapping[str, int]:
        return asdict(self)


class LateAnswers:
    """Of which units a late answer may still come, on a line whose answers bear no number. It
    outlives a connection: the line goes on while nobody has it open."""

    def __init__(self) -> None:
        self._until_s: dict[int, float] = {}
        self._changed = asyncio.Event()

    def expect(self, unit: int, until_s: float) -> None:
        self._until_s[unit] = until_s

    def came(self, unit: int) -> None:
        if self._until_s.pop(unit, None) is not None:
            self._changed.set()
            self._changed = asyncio.Event()

    def wait_s(self, unit: int) -> float:
        """How long until no more can come."""
        now_s = asyncio.get_running_loop().time()
        return max(0.0, self._until_s.get(unit, now_s) - now_s)

    async def over(self, unit: int) -> None:
        while (wait_s := self.wait_s(unit)) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()


class ModbusLink(ABC):
    """One question at a time: whoever asks has taken a turn of the connection."""

    def __init__(
        self,
        reader: StreamReader,
        writer: StreamWriter,
        close: Callable[[], Awaitable[None]],
        peer: str,
        counters: LinkCounters,
    ) -> None:
        self.peer = peer
        self.heard_at_s = asyncio.get_running_loop().time()
        self._reader = reader
        self._writer = writer
        self._close = close
        self._counters = counters
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read_on(), name=f"modbus {peer}")

    @abstractmethod
    async def settled(self, unit: int) -> None:
        """Returns once no late answer of the unit can be mistaken any more."""

    async def ask(self, unit: int, request: Request, timeout_s: float) -> bytes:
        """The answer's PDU, which fits the question. TimeoutError; PeerLost where the link has
        ended, or the unit talks nonsense. Cancelled, the question may be answered, to nobody."""
        if self._ended.done():
            raise PeerLost(self._ended.result())
        self._counters.questions += 1
        try:
            answer = await self._asked(unit, request, timeout_s)
        except TimeoutError:
            self._counters.unanswered += 1
            raise
        if not request.fits(answer):
            raise PeerLost("answered something else than it was asked")
        return answer

    async def until_ended(self) -> None:
        """Raises PeerLost when the link ends."""
        raise PeerLost(await asyncio.shield(self._ended))

    async def aclose(self) -> None:
        self._reading.cancel()
        await asyncio.wait({self._reading})
        await self._close()
        self._end("closed")

    @abstractmethod
    async def _asked(self, unit: int, request: Request, timeout_s: float) -> bytes: ...

    @abstractmethod
    def _received(self, data: bytes) -> None:
        """Raises NotModbus."""

    async def _read_on(self) -> None:
        reason = f"{self.peer}: closed by the peer"
        try:
            while data := await self._reader.read(PACKET_BYTES):
                self._received(data)
        except NotModbus as error:
            reason = f"{self.peer}: {error}"
        except OSError as error:
            reason = f"{self.peer}: {error.strerror or error}"
        self._end(reason)

    def _end(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)

    def _heard(self) -> None:
        self.heard_at_s = asyncio.get_running_loop().time()

    async def _answer(self, answer: "asyncio.Future[bytes]", timeout_s: float) -> bytes:
        """Leaves the future as it is when the time is over or whoever asked has gone."""
        either: set[asyncio.Future[Any]] = {answer, self._ended}
        with suppress(TimeoutError):
            async with patient(timeout_s):
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        if self._ended.done():
            raise PeerLost(self._ended.result())
        raise TimeoutError


class TcpLink(ModbusLink):
    """Answers bear the number of their question: a late one finds nobody."""

    def __init__(
        self,
        reader: StreamReader,
        writer: StreamWriter,
        close: Callable[[], Awaitable[None]],
        peer: str,
        counters: LinkCounters,
    ) -> None:
        super().__init__(reader, writer, close, peer, counters)
        self._frames = TcpFrames()
        self._transaction = SystemRandom().randrange(0x10000)
        self._waiting: tuple[int, int, asyncio.Future[bytes]] | None = None

    async def settled(self, unit: int) -> None:
        """At once."""

    async def _asked(self, unit: int, request: Request, timeout_s: float) -> bytes:
        self._transaction = (self._transaction + 1) & 0xFFFF
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting = (self._transaction, unit, answer)
        self._writer.write(tcp_frame(Message(self._transaction, unit, request.pdu)))
        try:
            return await self._answer(answer, timeout_s)
        finally:
            self._waiting = None

    def _received(self, data: bytes) -> None:
        for message in self._frames.feed(data):
            self._heard()
            if not self._is_answer(message):
                self._counters.late += 1

    def _is_answer(self, message: Message) -> bool:
        if self._waiting is None:
            return False
        transaction, unit, answer = self._waiting
        if (message.transaction, message.unit) != (transaction, unit) or answer.done():
            return False
        answer.set_result(message.pdu)
        return True


class RtuLink(ModbusLink):
    """A serial line, or one behind a serial server. `gap_s` is the silence that ends a frame."""

    def __init__(
        self,
        reader: StreamReader,
        writer: StreamWriter,
        close: Callable[[], Awaitable[None]],
        peer: str,
        counters: LinkCounters,
        late: LateAnswers,
        gap_s: float,
    ) -> None:
        super().__init__(reader, writer, close, peer, counters)
        self._late = late
        self._gap_s = gap_s
        self._buffer = b""
        self._waiting: tuple[int, Request, asyncio.Future[bytes]] | None = None
        self._now_s = asyncio.get_running_loop().time
        self._due_at_s = self._quiet_since_s = self._now_s()

    async def settled(self, unit: int) -> None:
        await self._late.over(unit)

    async def _asked(self, unit: int, request: Request, timeout_s: float) -> bytes:
        await self._line_free()
        if self._late.wait_s(unit) > 0:
            raise TimeoutError
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._buffer = b""
        self._waiting = (unit, request, answer)
        self._due_at_s = self._now_s() + timeout_s
        self._writer.write(rtu_frame(unit, request.pdu))
        try:
            return await self._answer(answer, timeout_s)
        finally:
            if not answer.done():
                self._late.expect(unit, self._due_at_s + LATE_FACTOR * timeout_s)

    async def _line_free(self) -> None:
        """Whoever asked last may have gone without its answer, which is still on its way."""
        if self._waiting is not None and self._due_at_s > self._now_s():
            await asyncio.wait({self._waiting[2]}, timeout=self._due_at_s - self._now_s())
        self._waiting = None
        quiet_s = self._quiet_since_s + self._gap_s - self._now_s()
        if quiet_s > 0:
            await asyncio.sleep(quiet_s)

    def _received(self, data: bytes) -> None:
        self._quiet_since_s = self._now_s()
        if self._waiting is None or self._waiting[2].done():
            self._counters.noise_bytes += len(data)
            return
        unit, request, answer = self._waiting
        self._buffer = (self._buffer + data)[-RTU_KEPT_BYTES:]
        found = rtu_answer(self._buffer, unit, request)
        if found is not None:
            self._heard()
            self._late.came(unit)
            self._counters.late += self._now_s() > self._due_at_s
            answer.set_result(found)

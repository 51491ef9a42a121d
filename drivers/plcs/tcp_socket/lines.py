"""Lines on a TCP connection: questions and their answers in order, and what comes unasked."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from drivers.link import PeerLost
from drivers.plcs.port import PlcConfig
from drivers.plcs.tcp_socket.pushes import Pushes
from drivers.plcs.tcp_socket.settings import TcpSocketSettings
from drivers.scanners.tcp import keep_alive


class Lines:
    """One connection. Answers come in the order of the questions; a question that was given up
    still takes its answer away, so that the next has its own."""

    def __init__(
        self,
        reader: StreamReader,
        writer: StreamWriter,
        settings: TcpSocketSettings,
        pushes: Pushes,
    ) -> None:
        peer = writer.get_extra_info("peername")
        self.peer = f"{peer[0]}:{peer[1]}" if peer else "a peer that is already gone"
        self.heard = asyncio.Event()
        self.heard_at_s = asyncio.get_running_loop().time()
        self._reader = reader
        self._writer = writer
        self._settings = settings
        self._pushes = pushes
        self._asked: deque[asyncio.Future[str]] = deque()
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        # The first line, before any question.
        self.greeting = None if settings.greeting is None else self._next_answer()

    async def ask(self, command: str) -> str:
        """The next line that is an answer. Raises PeerLost."""
        settings = self._settings
        self._check()
        answer = self._next_answer()
        line = settings.start + command.encode(settings.encoding) + settings.terminator
        self._writer.write(line)
        await self._writer.drain()
        return await self.awaited(answer)

    async def awaited(self, answer: "asyncio.Future[str]") -> str:
        await asyncio.wait({answer, self._lost}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            self._check()
        return answer.result()

    async def greeted(self) -> str:
        """The line that it greets with. Raises PeerLost."""
        return await self.awaited(self.greeting or self._next_answer())

    def lose(self, reason: str) -> None:
        if not self._lost.done():
            self._lost.set_result(reason)

    async def until_lost(self) -> None:
        """Raises PeerLost when that happens."""
        raise PeerLost(await asyncio.shield(self._lost))

    async def read(self) -> None:
        """Takes line after line until the connection is lost."""
        try:
            while not self._lost.done():
                self._take(await self._next_line())
        except PeerLost as lost:
            self.lose(str(lost))
        except OSError as error:
            self.lose(str(error) or type(error).__name__)

    async def _next_line(self) -> str:
        end = self._settings.terminator
        try:
            line = (await self._reader.readuntil(end)).removesuffix(end)
        except asyncio.IncompleteReadError:
            raise PeerLost("the controller closed the connection") from None
        except asyncio.LimitOverrunError:
            most = self._settings.max_line_bytes
            raise PeerLost(f"a line of more than {most} bytes") from None
        self.heard.set()
        self.heard_at_s = asyncio.get_running_loop().time()
        if self._settings.start:
            line = line.rpartition(self._settings.start)[2]
        try:
            return line.decode(self._settings.encoding)
        except UnicodeDecodeError:
            raise PeerLost(f"a line that is not {self._settings.encoding}") from None

    def _next_answer(self) -> "asyncio.Future[str]":
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._asked.append(answer)
        return answer

    def _take(self, line: str) -> None:
        if self._pushes.take(line):
            return
        if self._asked:
            answer = self._asked.popleft()
            if not answer.done():
                answer.set_result(line)
        elif self._settings.push is None:
            self.lose(f"a line that nobody asked for: {line[:80]!r}")
        else:
            self._pushes.counters.passed_over += 1

    def _check(self) -> None:
        if self._lost.done():
            raise PeerLost(self._lost.result())


@asynccontextmanager
async def connected(config: PlcConfig, pushes: Pushes) -> AsyncIterator[Lines]:
    """Raises PeerLost or OSError. Within, whoever leaves breaks the connection off: an answer that
    comes after that is nobody's."""
    settings = config.tcp_socket
    try:
        async with asyncio.timeout(config.connect_timeout_s):
            reader, writer = await asyncio.open_connection(
                config.host, config.port, limit=settings.max_line_bytes
            )
    except TimeoutError:
        raise PeerLost(f"no answer within {config.connect_timeout_s:g} s") from None
    keep_alive(writer)
    lines = Lines(reader, writer, settings, pushes)
    reading = asyncio.create_task(lines.read(), name=f"lines of {config.key}")
    try:
        yield lines
    finally:
        lines.lose("the connection was closed")
        writer.transport.abort()
        reading.cancel()
        await asyncio.wait({reading})
        with suppress(OSError):
            await writer.wait_closed()

"""Questions and answers over one printer's connection, against peers that misbehave."""

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType
from typing import Final

import pytest

from drivers.attending import shut
from drivers.link import PeerLost
from drivers.printers.port import PrinterCounters, parse_printer
from drivers.printers.stream import MOST_RECEIVED, PrinterStream
from tests.support.waiting import DEADLINE_S

Peer = Callable[[StreamReader, StreamWriter], Awaitable[None]]
NOTHING_HELD: Final[Mapping[bytes, asyncio.Event]] = MappingProxyType({})


class Asked:
    """A stream to a peer, with what it counted."""

    def __init__(self, server: asyncio.Server) -> None:
        self.server = server
        port = server.sockets[0].getsockname()[1]
        self.counters = PrinterCounters()
        self.lost = 0
        settings = {"index": 0, "name": "p", "host": "127.0.0.1", "port": port}
        times = {"reply_timeout_s": 0.15, "write_timeout_s": 0.3, "connect_timeout_s": 1}
        self.stream = PrinterStream(
            parse_printer({**settings, **times}), self.counters, self._count_loss
        )

    async def ask(self, question: bytes, *, same_connection: bool = False) -> bytes | None:
        return await self.stream.ask(question, line_of, same_connection=same_connection)

    def _count_loss(self) -> None:
        self.lost += 1


def line_of(received: bytes) -> tuple[bytes, int] | None:
    line, end, _ = received.partition(b"\n")
    return (line, len(line) + 1) if end else None


def untouched(received: bytes) -> tuple[bytes, int] | None:
    """Looks, and leaves everything where it is."""
    return (received, 0) if received else None


@asynccontextmanager
async def asked(peer: Peer, *, window: int | None = None) -> AsyncIterator[Asked]:
    """`window`: how many bytes the peer's kernel holds for it."""
    calls: dict[asyncio.Task[None], StreamWriter] = {}

    def on_call(reader: StreamReader, writer: StreamWriter) -> None:
        calls[asyncio.create_task(served(peer, reader, writer))] = writer

    listener = socket.socket()
    if window is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    listener.bind(("127.0.0.1", 0))
    server = await asyncio.start_server(on_call, sock=listener)
    side = Asked(server)
    try:
        await side.stream.open()
        yield side
    finally:
        await side.stream.close()
        await shut(server)
        for task, writer in calls.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.wait(calls)


async def served(peer: Peer, reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(OSError):
        await peer(reader, writer)


def echo(held: Mapping[bytes, asyncio.Event] = NOTHING_HELD) -> Peer:
    """Answers each question with itself, in order; those that are held only once they may."""

    async def peer(reader: StreamReader, writer: StreamWriter) -> None:
        while question := await reader.readline():
            if question in held:
                await held[question].wait()
            writer.write(question)
            await writer.drain()

    return peer


async def test_an_answer_belongs_to_its_question() -> None:
    async with asked(echo()) as side:
        for at in range(5):
            assert await side.ask(b"%d\n" % at) == b"%d" % at
        assert side.counters == PrinterCounters()


async def test_a_late_answer_is_nobody_s() -> None:
    may_come = asyncio.Event()
    async with asked(echo({b"late\n": may_come})) as side:
        assert await side.ask(b"late\n") is None
        may_come.set()
        assert await side.ask(b"next\n") == b"next"
        assert await side.ask(b"third\n") == b"third"
        assert (side.counters.unanswered, side.counters.redials) == (1, 1)
        # The old connection's end was our own doing.
        assert side.lost == 0


async def test_a_late_answer_may_do_where_it_is_as_good() -> None:
    may_come = asyncio.Event()
    async with asked(echo({b"late\n": may_come})) as side:
        assert await side.ask(b"late\n") is None
        may_come.set()
        assert await side.ask(b"again\n", same_connection=True) == b"late"
        # The debt stands: "again" is still to be answered there.
        assert await side.ask(b"next\n") == b"next"
        assert side.counters.redials == 1


async def test_what_came_unasked_is_no_answer() -> None:
    async def talkative(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(b"unasked\n")
        await echo()(reader, writer)

    async with asked(talkative) as side:
        assert await side.stream.hear(untouched, DEADLINE_S)
        assert await side.ask(b"question\n") == b"question"
        assert side.counters.stray_bytes == len(b"unasked\n")


async def test_a_peer_that_is_gone_when_an_answer_is_owed() -> None:
    async with asked(echo({b"late\n": asyncio.Event()})) as side:
        assert await side.ask(b"late\n") is None
        side.server.close()
        with pytest.raises(ConnectionRefusedError):
            await side.ask(b"next\n")


async def test_a_peer_that_takes_nothing() -> None:
    async def deaf(reader: StreamReader, writer: StreamWriter) -> None:
        await asyncio.Event().wait()

    async with asked(deaf) as side:
        with pytest.raises(PeerLost, match="took no data"):
            await side.stream.send(b"x" * 30_000_000)


async def test_bytes_are_taken_only_when_the_peer_s_side_has_them() -> None:
    async def deaf(reader: StreamReader, writer: StreamWriter) -> None:
        await asyncio.Event().wait()

    async with asked(deaf) as side:
        await side.stream.send(b"a label")
        await asyncio.wait_for(side.stream.taken(), DEADLINE_S)


async def test_bytes_that_only_our_kernel_has_are_not_taken() -> None:
    async def deaf(reader: StreamReader, writer: StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    async with asked(deaf, window=4096) as side:
        await side.stream.send(b"x" * 200_000)
        with pytest.raises(PeerLost, match="took no data"):
            await side.stream.taken()


async def test_an_answer_without_end() -> None:
    async def endless(reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            writer.write(b"x" * 4096)
            await writer.drain()

    async with asked(endless) as side:
        with pytest.raises(PeerLost, match=f"more than {MOST_RECEIVED} bytes"):
            await side.stream.hear(line_of, DEADLINE_S)


async def test_the_end_of_the_connection_is_told_at_once() -> None:
    async def short(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readline()
        writer.close()

    async with asked(short) as side:
        with pytest.raises(PeerLost, match="closed by the printer"):
            await side.ask(b"question\n")
        assert side.lost == 1
        with pytest.raises(PeerLost):
            side.stream.check()
        with pytest.raises(PeerLost):
            await side.stream.idle(DEADLINE_S)


async def test_closing_twice_and_using_what_is_closed() -> None:
    async with asked(echo()) as side:
        await side.stream.close()
        await side.stream.close()
        assert side.lost == 0
        with pytest.raises(PeerLost, match="not connected"):
            await side.stream.send(b"x")
        await side.stream.open()
        assert await side.ask(b"again\n") == b"again"

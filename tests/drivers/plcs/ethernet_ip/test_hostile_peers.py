"""Peers that are no EtherNet/IP devices, or very ill ones."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from drivers.link import LinkState
from drivers.plcs.ethernet_ip.cip import Service
from drivers.plcs.ethernet_ip.encapsulation import HEADER, Command, Frame, data_length, unconnected
from drivers.plcs.ethernet_ip.messages import Reply
from tests.support.ethernet_ip import bound, driven, no_threads
from tests.support.listening import listening
from tests.support.waiting import eventually

Answer = Callable[[Frame, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def misbehaving(answer: Answer) -> AsyncIterator[tuple[int, list[bool]]]:
    """A server that reads frames and answers as it likes; its port, and who has left."""
    left: list[bool] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readexactly(HEADER.size)
                data = await reader.readexactly(data_length(head))
                await answer(Frame.decode(head, data), writer)
        except (OSError, EOFError):
            left.append(True)

    async with listening(serve) as port:
        yield port, left


async def ends_early(frame: Frame, writer: asyncio.StreamWriter) -> None:
    """Announces a hundred bytes, sends four, and hangs up."""
    writer.write(frame.answer(bytes(100)).encode()[: HEADER.size + 4])
    writer.close()


async def ends_in_the_header(frame: Frame, writer: asyncio.StreamWriter) -> None:
    writer.write(frame.encode()[:3])
    writer.close()


async def dribbles(frame: Frame, writer: asyncio.StreamWriter) -> None:
    """One byte after the other, never a whole answer in time and never a pause."""
    for byte in frame.answer(bytes(10_000)).encode():
        writer.write(bytes((byte,)))
        await writer.drain()
        await asyncio.sleep(0.01)


async def to_another(frame: Frame, writer: asyncio.StreamWriter) -> None:
    """Registers, and then answers with somebody else's context."""
    if frame.command == Command.REGISTER_SESSION:
        writer.write(Frame(frame.command, frame.data, 7, 0, frame.context).encode())
        return
    reply = Reply(Service.GET_ATTRIBUTES_ALL, bytes(40))
    data = unconnected(reply.encode())
    writer.write(Frame(frame.command, data, frame.session, 0, b"somebody").encode())


async def another_session(frame: Frame, writer: asyncio.StreamWriter) -> None:
    if frame.command == Command.REGISTER_SESSION:
        writer.write(Frame(frame.command, frame.data, 7, 0, frame.context).encode())
        return
    data = unconnected(Reply(Service.GET_ATTRIBUTES_ALL, bytes(40)).encode())
    writer.write(Frame(frame.command, data, 8, 0, frame.context).encode())


async def no_message(frame: Frame, writer: asyncio.StreamWriter) -> None:
    if frame.command == Command.REGISTER_SESSION:
        writer.write(Frame(frame.command, frame.data, 7, 0, frame.context).encode())
        return
    writer.write(frame.answer(unconnected(b"")).encode())


async def an_identity_that_ends_early(frame: Frame, writer: asyncio.StreamWriter) -> None:
    if frame.command == Command.REGISTER_SESSION:
        writer.write(Frame(frame.command, frame.data, 7, 0, frame.context).encode())
        return
    data = unconnected(Reply(Service.GET_ATTRIBUTES_ALL, struct.pack("<H", 1)).encode())
    writer.write(frame.answer(data).encode())


@pytest.mark.parametrize(
    "answer",
    [
        ends_early,
        ends_in_the_header,
        dribbles,
        to_another,
        another_session,
        no_message,
        an_identity_that_ends_early,
    ],
)
async def test_peers_that_are_none(answer: Answer) -> None:
    async with misbehaving(answer) as (port, _):
        async with driven(port, [bound("d", "D")], timeout_s=0.2) as (_, task, told):
            await eventually(lambda: task.snapshot().attempts > 3)
            assert task.snapshot().state is LinkState.LOST
            assert told.values == []
        await no_threads()

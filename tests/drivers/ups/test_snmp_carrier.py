"""What the socket under an SNMP engine hands on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from drivers.ups.snmp_carrier import UdpCarrier
from tests.support.waiting import eventually


class Agent(asyncio.DatagramProtocol):
    """Answers each question with a number of copies of each of its words."""

    def __init__(self, words: list[bytes]) -> None:
        self.words = words

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        for word in self.words:
            self.transport.sendto(word, address)


@pytest.fixture
async def wrongs() -> AsyncIterator[list[dict[str, Any]]]:
    """What the loop had to say of callbacks that failed."""
    loop, found = asyncio.get_running_loop(), list[dict[str, Any]]()
    loop.set_exception_handler(lambda _, context: found.append(context))
    yield found
    loop.set_exception_handler(None)


async def _asked(words: list[bytes], heard: list[bytes]) -> UdpCarrier:
    """A carrier whose question was answered so, at least in part."""
    loop = asyncio.get_running_loop()
    agent, _ = await loop.create_datagram_endpoint(
        lambda: Agent(words), local_addr=("127.0.0.1", 0)
    )
    carrier = UdpCarrier().open_client_mode(("127.0.0.1", 0))
    carrier.register_callback(lambda _, __, word: heard.append(word))
    carrier.send_message(b"?", agent.get_extra_info("sockname"))
    await eventually(lambda: bool(heard))
    agent.close()
    assert isinstance(carrier, UdpCarrier)
    return carrier


async def test_a_copy_of_the_last_message_is_not_handed_on() -> None:
    heard: list[bytes] = []
    carrier = await _asked([b"a"] * 50 + [b"b"] * 50 + [b"a", b"end"], heard)
    await eventually(lambda: heard[-1] == b"end")
    assert heard == [b"a", b"b", b"a", b"end"]
    carrier.close_transport()


async def test_a_message_under_way_when_the_socket_closes_is_nobodys(
    wrongs: list[dict[str, Any]],
) -> None:
    heard: list[bytes] = []
    carrier = await _asked([b"a"], heard)
    carrier.datagram_received(b"b", ("127.0.0.1", 161))
    carrier.close_transport()
    carrier.datagram_received(b"c", ("127.0.0.1", 161))
    for _ in range(3):
        await asyncio.sleep(0)
    assert (heard, wrongs) == ([b"a"], [])

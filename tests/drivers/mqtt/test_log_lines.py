"""The broker's log is read on, however long a line its clients make it write."""

import asyncio
import sys
from contextlib import suppress

import pytest

from drivers.link import LinkState, PeerLost
from drivers.mqtt.configuration import Admitted
from drivers.mqtt.log_lines import log_lines
from tests.support.mqtt import Broker
from tests.support.waiting import eventually

LIMIT = 4_096
SAYS = "import sys; sys.stderr.write({said!r})"


async def read_of(said: str) -> list[bytes]:
    """What is read of a process that says this."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SAYS.format(said=said), stderr=asyncio.subprocess.PIPE, limit=LIMIT
    )
    assert process.stderr is not None
    found = [line async for line in log_lines(process.stderr)]
    assert await process.wait() == 0
    return found


@pytest.mark.parametrize("size", [LIMIT + 1, 2 * LIMIT, 5 * LIMIT + 7])
async def test_a_line_that_is_too_long_is_left_out_whole(size: int) -> None:
    """Also what would look like a line of its own behind the cut."""
    long = "[ERR] x" + "y" * size + "[INF] Server is ready"
    assert await read_of(f"first\n{long}\nsecond\n{long}\n{long}\nlast\n") == [
        b"first\n",
        b"second\n",
        b"last\n",
    ]


async def test_the_last_words_need_no_end() -> None:
    assert await read_of("first\nlast") == [b"first\n", b"last"]
    assert await read_of("first\n" + "x" * 3 * LIMIT) == [b"first\n"]
    assert await read_of("") == []


async def test_a_gateway_that_makes_it_write_much_harms_nobody(broker: Broker) -> None:
    """It asks for a topic of 64 KiB, which the broker quotes as it refuses."""
    number = broker.bundled.settings.pid.read_text()
    with suppress(PeerLost):
        async with broker.gateway("gateway-a") as gateway:
            await gateway.subscribed("x" * 65_500)
    await eventually(lambda: broker.bundled.counters()["complaints"] > 0)
    await broker.bundled.admit([Admitted("gateway-c", "c" * 32)])
    async with broker.gateway("gateway-c"):
        pass
    assert broker.task.snapshot().state is LinkState.CONNECTED
    assert broker.bundled.settings.pid.read_text() == number

"""Peers that reset a connection while it is being opened."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing

import httpx2
import pytest
import uvloop

from drivers.upstream.connections import open_http

TRIES = 1_000


@pytest.fixture
def resetting() -> Iterator[str]:
    """A port that takes connections and resets each at once."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            try:
                taken, _ = listener.accept()
            except OSError:
                return
            with closing(taken):
                linger = struct.pack("ii", 1, 0)
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_a_reset_is_an_error_of_http_whenever_it_comes(resetting: str) -> None:
    """The moment is the kernel's: of a thousand, one or two hit the one that the library misses."""

    async def run() -> None:
        async with open_http(resetting, 5.0, 5.0, None, trust_env=False) as http:
            for _ in range(TRIES):
                with pytest.raises(httpx2.HTTPError):
                    await http.get("/")

    uvloop.run(run())

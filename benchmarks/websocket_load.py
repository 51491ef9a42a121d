"""Many `graphql-transport-ws` subscribers in one process, with as little work for each message as
a client can do: frames are counted and timed, not decoded."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import orjson

from benchmarks.http_load import HOST

UPGRADE: Final = (
    "GET /graphql HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: b2t0b2dyYXBoLWJlbmNoIQ==\r\n"
    "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
TEXT: Final = 0x81
CLOSE: Final = 0x88
PING: Final = 0x89
PONG: Final = 0x8A


class Subscriber(asyncio.Protocol):
    """One socket, one subscription. `times` are the arrivals of its `next` messages."""

    def __init__(self, token: str, query: str, on_next: Callable[[], None]) -> None:
        self.times: list[float] = []
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.fault: str | None = None
        self._token = token
        self._query = query
        self._on_next = on_next
        self._upgraded = False
        self._received = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(UPGRADE.format(host=HOST).encode())

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        if not self._upgraded:
            received = self._upgrade(received)
        while (size := _frame_size(received)) and len(received) >= size:
            self._frame(received[0], received[_head_size(received) : size])
            received = received[size:]
        self._received = received

    def _upgrade(self, received: bytes) -> bytes:
        head, blank, rest = received.partition(b"\r\n\r\n")
        if not blank:
            return received
        if not head.startswith(b"HTTP/1.1 101"):
            self._fail(f"refused: {head!r}")
        self._upgraded = True
        payload = {"Authorization": f"Bearer {self._token}"}
        self._send({"type": "connection_init", "payload": payload})
        return rest

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._transport.write(_masked(PONG, payload))
        elif opcode != TEXT:
            self._fail(f"closed: {payload[2:]!r}")
        elif b'"type":"next"' in payload[:40]:
            self.times.append(time.perf_counter())
            self._on_next()
        elif b"connection_ack" in payload:
            self._send({"id": "1", "type": "subscribe", "payload": {"query": self._query}})
            # Messages are handled in order: its answer says that the subscription was taken up.
            self._send({"type": "ping"})
        elif b'"pong"' in payload:
            self.ready.set_result(None)
        else:
            self._fail(payload.decode())

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("the connection was lost")

    def _fail(self, why: str) -> None:
        self.fault = self.fault or why
        if not self.ready.done():
            self.ready.set_exception(RuntimeError(why))

    def _send(self, message: dict[str, Any]) -> None:
        self._transport.write(_masked(TEXT, orjson.dumps(message)))


def _masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame, with the mask that leaves everything as it is."""
    if len(payload) < 126:
        return bytes([opcode, 0x80 | len(payload)]) + bytes(4) + payload
    return bytes([opcode, 0x80 | 126]) + len(payload).to_bytes(2, "big") + bytes(4) + payload


def _head_size(received: bytes) -> int:
    return {126: 4, 127: 10}.get(received[1] & 0x7F, 2)


def _frame_size(received: bytes) -> int:
    """The whole of the next frame, 0 while its head has not arrived."""
    if len(received) < 2 or len(received) < _head_size(received):
        return 0
    head = _head_size(received)
    short = received[1] & 0x7F
    return head + (short if short < 126 else int.from_bytes(received[2:head], "big"))

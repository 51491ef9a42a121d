"""HTTP/1.1 load over keep-alive connections: encoded beforehand, parsed as little as possible."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import uvloop

from benchmarks.figures import percentile

HOST = "127.0.0.1"
DEADLINE_S = 120.0


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Durations in seconds, one for each request; `bodies` in the order of arrival."""

    elapsed_s: float
    latencies_s: list[float]
    bodies: list[bytes]

    @property
    def per_second(self) -> float:
        return len(self.latencies_s) / self.elapsed_s

    def percentile_ms(self, share: float) -> float:
        return percentile(self.latencies_s, share) * 1000


def encode(
    method: str,
    path: str,
    body: Any = None,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A whole request. `body` is JSON, or bytes that are JSON already, packed or not."""
    payload = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", "Accept: application/json"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(payload)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + payload


def run_load(port: int, requests: Sequence[bytes], connections: int) -> LoadResult:
    """Sends all of them, one at a time on each connection. Raises for any answer but 200."""
    return uvloop.run(load(port, requests, connections))


def call(port: int, request: bytes) -> Any:
    """One request's decoded answer."""
    return orjson.loads(run_load(port, [request], 1).bodies[0])


async def load(port: int, requests: Sequence[bytes], connections: int) -> LoadResult:
    """As `run_load`, beside whatever else this loop does."""
    loop = asyncio.get_running_loop()
    waiting = iter(requests)
    latencies: list[float] = []
    bodies: list[bytes] = []
    made = [
        await loop.create_connection(lambda: _Connection(waiting, latencies, bodies), HOST, port)
        for _ in range(connections)
    ]
    started = time.perf_counter()
    for _, connection in made:
        connection.send_next()
    async with asyncio.timeout(DEADLINE_S):
        await asyncio.gather(*(connection.finished for _, connection in made))
    elapsed_s = time.perf_counter() - started
    for transport, _ in made:
        transport.close()
    return LoadResult(elapsed_s, latencies, bodies)


class _Connection(asyncio.Protocol):
    def __init__(
        self, waiting: Iterator[bytes], latencies: list[float], bodies: list[bytes]
    ) -> None:
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting = waiting
        self._latencies = latencies
        self._bodies = bodies
        self._received = b""
        self._sent_at = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def send_next(self) -> None:
        request = next(self._waiting, None)
        if request is None:
            self.finished.set_result(None)
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        head_end = received.find(b"\r\n\r\n")
        if head_end < 0 or len(received) < head_end + 4 + _content_length(received[:head_end]):
            self._received = received
            return
        self._received = b""
        self._latencies.append(time.perf_counter() - self._sent_at)
        if not received.startswith(b"HTTP/1.1 200"):
            self._fail(RuntimeError(f"refused: {received[:500]!r}"))
            return
        self._bodies.append(received[head_end + 4 :])
        self.send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionError("closed by the server"))

    def _fail(self, error: Exception) -> None:
        if not self.finished.done():
            self.finished.set_exception(error)


def _content_length(head: bytes) -> int:
    name, _, rest = head.lower().partition(b"content-length:")
    if len(name) == len(head):
        raise RuntimeError(f"no length: {head!r}")
    return int(rest.partition(b"\r")[0])

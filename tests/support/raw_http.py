"""HTTP as bytes: what no well-behaved client would send."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import orjson

DEADLINE_S = 15.0


@dataclass(frozen=True, slots=True)
class Reply:
    """`status` is 0 where the connection was closed without an answer."""

    status: int
    head: bytes
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@asynccontextmanager
async def opened(
    port: int,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def exchange(port: int, *parts: bytes) -> Reply:
    """Sends all parts, as far as the peer takes them, and reads until the peer closes."""
    async with asyncio.timeout(DEADLINE_S), opened(port) as (reader, writer):
        sending = asyncio.create_task(_send(writer, parts))
        answer = b""
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                answer += data
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    return parsed(answer)


async def _send(writer: asyncio.StreamWriter, parts: Iterable[bytes]) -> None:
    with suppress(ConnectionError):
        for part in parts:
            writer.write(part)
            await writer.drain()


def parsed(answer: bytes) -> Reply:
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 "):
        return Reply(0, head, body)
    return Reply(int(head[9:12]), head, body)


def request(
    method: str, path: str, token: str | None, body: bytes | None = None, *more: str
) -> bytes:
    """Closes after the answer; `more` are header lines."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", *more]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


def chunks(size: int, count: int) -> Iterable[bytes]:
    chunk = b"%x\r\n" % size + b" " * size + b"\r\n"
    return [*([chunk] * count), b"0\r\n\r\n"]

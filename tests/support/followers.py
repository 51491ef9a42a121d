"""Subscribers of a running service that come back from their last cursor, on each live face."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

SCANS = "subscription ($after: String) { scans(after: $after) { cursor scan { code valid } } }"
RETRY_S = 0.02
PROTOCOL: Any = "graphql-transport-ws"


@dataclass
class Follower:
    """`codes` is what it was sent, in order, over all its connections."""

    port: int
    token: str
    cursor: str
    codes: list[str] = field(default_factory=list)
    connections: int = 0
    ends: list[str] = field(default_factory=list)
    """Why a connection ended, as it was told."""

    def start(self) -> None:
        self._task = asyncio.create_task(self._follow())

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            with suppress(OSError, EOFError, InvalidHandshake, ConnectionClosed):
                await self.once()
            await asyncio.sleep(RETRY_S)

    async def once(self) -> None:
        """One connection, to its end."""
        raise NotImplementedError

    def take(self, cursor: str, code: str) -> None:
        self.cursor = cursor
        self.codes.append(code)


@asynccontextmanager
async def graphql_socket(port: int, token: str, **options: Any) -> AsyncIterator[ClientConnection]:
    """Open and acknowledged."""
    address = f"ws://127.0.0.1:{port}/graphql"
    async with connect(address, subprotocols=[PROTOCOL], compression=None, **options) as socket:
        init = {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}
        await socket.send(orjson.dumps(init).decode())
        assert orjson.loads(await socket.recv())["type"] == "connection_ack"
        yield socket


async def subscribe(socket: ClientConnection, after: str | None, query: str = SCANS) -> None:
    payload = {"query": query, "variables": {"after": after}}
    message = {"id": "1", "type": "subscribe", "payload": payload}
    await socket.send(orjson.dumps(message).decode())


class GraphQLFollower(Follower):
    async def once(self) -> None:
        async with graphql_socket(self.port, self.token) as socket:
            self.connections += 1
            await subscribe(socket, self.cursor)
            try:
                async for text in socket:
                    self.hear(orjson.loads(text))
            finally:
                self.ends.append(f"{socket.close_code} {socket.close_reason}")

    def hear(self, message: dict[str, Any]) -> None:
        if message["type"] != "next":
            self.ends.append(orjson.dumps(message).decode())
            return
        item = message["payload"]["data"]["scans"]
        self.take(item["cursor"], item["scan"]["code"])


class LegacyFollower(Follower):
    async def once(self) -> None:
        address = f"ws://127.0.0.1:{self.port}/ws?token={self.token}&after={self.cursor}"
        async with connect(address, compression=None) as socket:
            self.connections += 1
            try:
                async for text in socket:
                    message = orjson.loads(text)
                    if message["type"] == "scan":
                        self.take(message["cursor"], message["data"]["code"])
            finally:
                self.ends.append(f"{socket.close_code} {socket.close_reason}")


class EventFollower(Follower):
    """Server-sent events, come back by Last-Event-ID."""

    async def once(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(event_request(self.port, self.token, self.cursor))
            await reader.readuntil(b"\r\n\r\n")
            self.connections += 1
            while block := await self._block(reader):
                self.hear(block)
            self.ends.append("closed")
        finally:
            writer.transport.abort()

    async def _block(self, reader: asyncio.StreamReader) -> bytes:
        """One chunk is one event: the service writes each as a whole."""
        size = int((await reader.readuntil(b"\r\n"))[:-2], 16)
        return (await reader.readexactly(size + 2))[:-2]

    def hear(self, block: bytes) -> None:
        lines = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line)
        if block.startswith(b"event: complete"):
            self.ends.append("complete")
        elif b"data" in lines:
            item = orjson.loads(lines[b"data"])
            if "errors" in item:
                self.ends.append(lines[b"data"].decode())
                return
            found = item["data"]["scans"]
            assert lines[b"id"].decode() == found["cursor"]
            self.take(found["cursor"], found["scan"]["code"])


def event_request(port: int, token: str, last_id: str | None) -> bytes:
    query = quote(SCANS.replace("($after: String)", "").replace("(after: $after)", ""))
    resume = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
    return (
        f"GET /graphql?query={query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{resume}"
        f"Authorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n"
    ).encode()


FOLLOWERS: tuple[type[Follower], ...] = (GraphQLFollower, LegacyFollower, EventFollower)


async def first_cursor(port: int, token: str, record: Any) -> str:
    """Where the stream stands after one scan, which `record` makes."""
    async with graphql_socket(port, token) as socket:
        await subscribe(socket, None)
        while True:
            await record()
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    item = orjson.loads(await socket.recv())["payload"]["data"]["scans"]
                    return str(item["cursor"])

"""Subscribers of a running service that come back from their last cursor, on each live face."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self
from urllib.parse import quote

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

SCANS = "subscription ($after: String) { scans(after: $after) { cursor scan { code valid } } }"
RETRY_S = 0.02
# Who takes nothing off the socket cannot hear the answer to its farewell either.
FAREWELL_S = 1.0
PROTOCOL: Any = "graphql-transport-ws"
SELDOM_READ: dict[str, Any] = {
    "max_queue": 1,
    "ping_interval": None,
    "close_timeout": FAREWELL_S,
}


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
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is clear the follower takes nothing off its socket."""
    narrow: bool = False
    """With a receive buffer that does not grow, so that not reading is soon felt at the other end;
    much smaller, and the kernel would take to probing its window by a slow timer."""
    once_only: bool = False

    def start(self) -> None:
        self.gate.set()
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
            if self.once_only:
                return
            await asyncio.sleep(RETRY_S)

    async def once(self) -> None:
        """One connection, to its end."""
        raise NotImplementedError

    async def take(self, cursor: str, code: str) -> None:
        self.cursor = cursor
        self.codes.append(code)
        await self.gate.wait()

    def dialled(self) -> socket.socket:
        opened = socket.socket()
        if self.narrow:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 131_072)
        try:
            opened.connect(("127.0.0.1", self.port))
        except OSError:
            opened.close()
            raise
        opened.setblocking(False)
        self._socket = opened
        return opened

    def vanish(self) -> None:
        """Without a word of the protocol, as a program that is killed: the kernel resets."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._task.cancel()
        self._socket.close()


@asynccontextmanager
async def graphql_socket(port: int, token: str, **options: Any) -> AsyncIterator[ClientConnection]:
    """Open and acknowledged."""
    address = f"ws://127.0.0.1:{port}/graphql"
    async with connect(address, subprotocols=[PROTOCOL], compression=None, **options) as opened:
        init = {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}
        await opened.send(orjson.dumps(init).decode())
        assert orjson.loads(await opened.recv())["type"] == "connection_ack"
        yield opened


async def subscribe(opened: ClientConnection, after: str | None, query: str = SCANS) -> None:
    payload = {"query": query, "variables": {"after": after}}
    message = {"id": "1", "type": "subscribe", "payload": payload}
    await opened.send(orjson.dumps(message).decode())


class GraphQLFollower(Follower):
    """Of `query`, a subscription; `item` finds an event's cursor and what is kept of it."""

    query: ClassVar[str] = SCANS

    def item(self, data: dict[str, Any]) -> tuple[str, str]:
        found = data["scans"]
        return found["cursor"], found["scan"]["code"]

    async def once(self) -> None:
        own = {**SELDOM_READ, "sock": self.dialled()}
        async with graphql_socket(self.port, self.token, **own) as opened:
            self.connections += 1
            await subscribe(opened, self.cursor, self.query)
            try:
                async for text in opened:
                    await self.hear(orjson.loads(text))
            finally:
                self.ends.append(f"{opened.close_code} {opened.close_reason}")

    async def hear(self, message: dict[str, Any]) -> None:
        if message["type"] != "next":
            self.ends.append(orjson.dumps(message).decode())
            raise EOFError  # the operation is over, and the socket is of no more use
        await self.take(*self.item(message["payload"]["data"]))


class DeviceStatusFollower(GraphQLFollower):
    """`<identifier> <status>`"""

    query = (
        "subscription ($after: String) { deviceStatus(after: $after) "
        "{ cursor status device { identifier } } }"
    )

    def item(self, data: dict[str, Any]) -> tuple[str, str]:
        found = data["deviceStatus"]
        return found["cursor"], f"{found['device']['identifier']} {found['status']}"


class CommandFollower(GraphQLFollower):
    """`<the client's id of it> <state>`"""

    query = (
        "subscription ($after: String) { commands(after: $after) "
        "{ cursor command { commandId status } } }"
    )

    def item(self, data: dict[str, Any]) -> tuple[str, str]:
        found = data["commands"]
        return found["cursor"], f"{found['command']['commandId']} {found['command']['status']}"


class LegacyFollower(Follower):
    async def once(self) -> None:
        address = f"ws://127.0.0.1:{self.port}/ws?token={self.token}&after={self.cursor}"
        own = {**SELDOM_READ, "sock": self.dialled()}
        async with connect(address, compression=None, **own) as opened:
            self.connections += 1
            try:
                async for text in opened:
                    message = orjson.loads(text)
                    if message["type"] == "scan":
                        await self.take(message["cursor"], message["data"]["code"])
            finally:
                self.ends.append(f"{opened.close_code} {opened.close_reason}")


class EventFollower(Follower):
    """Server-sent events, come back by Last-Event-ID."""

    async def once(self) -> None:
        reader, writer = await asyncio.open_connection(sock=self.dialled(), limit=4_096)
        try:
            writer.write(event_request(self.port, self.token, self.cursor))
            await reader.readuntil(b"\r\n\r\n")
            self.connections += 1
            while block := await self._block(reader):
                await self.hear(block)
            self.ends.append("closed")
        finally:
            writer.transport.abort()

    async def _block(self, reader: asyncio.StreamReader) -> bytes:
        """One chunk is one event: the service writes each as a whole."""
        size = int((await reader.readuntil(b"\r\n"))[:-2], 16)
        return (await reader.readexactly(size + 2))[:-2]

    async def hear(self, block: bytes) -> None:
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
            await self.take(found["cursor"], found["scan"]["code"])


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
    async with graphql_socket(port, token) as opened:
        await subscribe(opened, None)
        while True:
            await record()
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    item = orjson.loads(await opened.recv())["payload"]["data"]["scans"]
                    return str(item["cursor"])

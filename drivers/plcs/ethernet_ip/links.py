"""Devices on EtherNet/IP as they are reached: dialled once, shared by all who name the same."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from drivers.connections import Connection, ConnectionPool, Connections
from drivers.link import PeerLost
from drivers.plcs.ethernet_ip.client import EthernetIpClient
from drivers.plcs.ethernet_ip.endpoint import Endpoint
from drivers.plcs.ethernet_ip.messages import Reply
from drivers.turns import Turns

Pool = ConnectionPool[Endpoint, EthernetIpClient]


class EthernetIpLink:
    """A shared client as one of its users sees it: what ends the connection ends it for all.

    Its methods raise TimeoutError and PeerLost. Each is for one turn of `turns`.
    """

    def __init__(self, connection: Connection[EthernetIpClient], endpoint: Endpoint) -> None:
        self.client = connection.client()
        self.peer = _peer(self.client, endpoint)
        self._connection = connection
        self._timeout_s = endpoint.timeout_s

    @property
    def turns(self) -> Turns:
        return self._connection.turns

    async def message(self, request: bytes, slot: int | None = None) -> Reply:
        """One that needs no connection of CIP: to the device itself, or to a slot behind it."""
        with self._losing():
            return await self.client.message(request, self._timeout_s, slot)

    async def tags(self, requests: Sequence[bytes]) -> list[Reply]:
        """The replies in this order; raises CipRefusal as the client's does."""
        with self._losing():
            return await self.client.tags(requests, self._timeout_s)

    async def tag_list(self, whole_s: float) -> list[Any]:
        with self._losing():
            return await self.client.tag_list(self._timeout_s, whole_s)

    async def until_lost(self) -> None:
        await self._connection.until_lost()

    @contextmanager
    def _losing(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            self._connection.lose(f"no answer within {self._timeout_s:g} s")
            raise
        except PeerLost as lost:
            self._connection.lose(str(lost))
            raise


@asynccontextmanager
async def reached(connections: Connections, endpoint: Endpoint) -> AsyncIterator[EthernetIpLink]:
    """A device that has answered. Raises PeerLost and OSError, TimeoutError for no answer."""
    async with connections.pool(ethernet_ip_pool).lease(endpoint) as connection:
        yield EthernetIpLink(connection, endpoint)


def ethernet_ip_pool() -> Pool:
    """For `Connections.pool`."""
    return ConnectionPool(dial, EthernetIpClient.close)


async def dial(endpoint: Endpoint) -> EthernetIpClient:
    try:
        async with asyncio.timeout(endpoint.connect_timeout_s):
            sock = await _connected(endpoint.host, endpoint.port)
    except TimeoutError:
        raise PeerLost(f"no answer within {endpoint.connect_timeout_s:g} s") from None
    client = EthernetIpClient(endpoint, sock)
    try:
        await client.identify(endpoint.timeout_s)
    except BaseException:
        await client.close()
        raise
    return client


async def _connected(host: str, port: int) -> socket.socket:
    """Raises OSError; cancelled, it leaves nothing open."""
    loop = asyncio.get_running_loop()
    places = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    error: OSError | None = None
    for family, kind, protocol, _, address in places:
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, address)
        except OSError as refused:
            sock.close()
            error = refused
        except BaseException:
            sock.close()
            raise
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
    raise error or PeerLost(f"{host} has no address")


def _peer(client: EthernetIpClient, endpoint: Endpoint) -> str:
    place = f"{endpoint.host}:{endpoint.port}"
    return f"{client.product} at {place}" if client.product else place

"""The endpoints of Modbus, each opened once for all that use it."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.connections import ConnectionPool
from drivers.link import PeerLost
from drivers.plcs.modbus.link import (
    PACKET_BYTES,
    LateAnswers,
    LinkCounters,
    ModbusLink,
    RtuLink,
    TcpLink,
)
from drivers.plcs.modbus.settings import ModbusFramer

TCP_PORT = 502


@dataclass(frozen=True, slots=True)
class ModbusEndpoint:
    """Two with the same address are the same, however long each would wait for it."""

    host: str
    port: int
    framer: ModbusFramer = ModbusFramer.SOCKET
    connect_timeout_s: float = field(default=5.0, compare=False)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class ModbusPool(ConnectionPool[ModbusEndpoint, ModbusLink]):
    """Named as the maker at `Connections.pool`: PLCs and scanners share it."""

    def __init__(self) -> None:
        super().__init__(self._dialled_link, _hang_up)
        self._counters: defaultdict[ModbusEndpoint, LinkCounters] = defaultdict(LinkCounters)
        self._late: defaultdict[ModbusEndpoint, LateAnswers] = defaultdict(LateAnswers)

    def counters(self, endpoint: ModbusEndpoint) -> Mapping[str, int]:
        """Of all that use the endpoint together."""
        return self._counters[endpoint].by_name()

    async def _dialled_link(self, endpoint: ModbusEndpoint) -> ModbusLink:
        counters = self._counters[endpoint]
        reader, writer = await _opened_socket(endpoint)
        if endpoint.framer is ModbusFramer.SOCKET:
            return TcpLink(reader, writer, str(endpoint), counters)
        return RtuLink(reader, writer, str(endpoint), counters, self._late[endpoint], 0.0)


async def _opened_socket(endpoint: ModbusEndpoint) -> tuple[StreamReader, StreamWriter]:
    try:
        async with asyncio.timeout(endpoint.connect_timeout_s):
            return await asyncio.open_connection(endpoint.host, endpoint.port, limit=PACKET_BYTES)
    except TimeoutError:
        raise PeerLost(f"no answer within {endpoint.connect_timeout_s:g} s") from None


async def _hang_up(link: ModbusLink) -> None:
    await link.aclose()

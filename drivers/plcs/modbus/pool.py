"""The endpoints of Modbus, each opened once for all that use it."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from drivers.connections import ConnectionPool
from drivers.link import PeerLost
from drivers.plcs.modbus.endpoint import ModbusEndpoint
from drivers.plcs.modbus.link import (
    PACKET_BYTES,
    LateAnswers,
    LinkCounters,
    ModbusLink,
    RtuLink,
    TcpLink,
)
from drivers.plcs.modbus.settings import ModbusFramer
from drivers.serial_port import SerialPort, opened

# A silence of 3.5 characters of 11 bits parts two frames, but never less than this.
_GAP_BITS = 3.5 * 11
_LEAST_GAP_S = 0.00175


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
        counters, late = self._counters[endpoint], self._late[endpoint]
        async with AsyncExitStack() as stack:
            reader, writer = await stack.enter_async_context(_opened(endpoint))
            close = stack.pop_all().aclose
        peer = str(endpoint)
        if endpoint.framer is ModbusFramer.SOCKET:
            return TcpLink(reader, writer, close, peer, counters)
        gap_s = _gap_s(endpoint.serial) if endpoint.serial else 0.0
        return RtuLink(reader, writer, close, peer, counters, late, gap_s)


@asynccontextmanager
async def _opened(endpoint: ModbusEndpoint) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    if endpoint.serial is not None:
        async with opened(endpoint.serial, limit=PACKET_BYTES) as streams:
            yield streams
        return
    reader, writer = await _opened_socket(endpoint)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def _opened_socket(endpoint: ModbusEndpoint) -> tuple[StreamReader, StreamWriter]:
    try:
        async with asyncio.timeout(endpoint.connect_timeout_s):
            return await asyncio.open_connection(endpoint.host, endpoint.port, limit=PACKET_BYTES)
    except TimeoutError:
        raise PeerLost(f"no answer within {endpoint.connect_timeout_s:g} s") from None


def _gap_s(port: SerialPort) -> float:
    return max(_LEAST_GAP_S, _GAP_BITS / port.baudrate)


async def _hang_up(link: ModbusLink) -> None:
    await link.aclose()

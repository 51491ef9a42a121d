"""The UDP socket under an SNMP engine, where the library's own would raise or toil for nothing."""

from typing import Any

from pysnmp.carrier.asyncio.dgram.udp import UdpAsyncioTransport  # type: ignore[import-untyped]
from pysnmp.carrier.asyncio.dgram.udp6 import Udp6AsyncioTransport  # type: ignore[import-untyped]
from pysnmp.hlapi.v3arch.asyncio import (  # type: ignore[import-untyped]
    Udp6TransportTarget,
    UdpTransportTarget,
)


class _Heard:
    """Passes over a datagram that is the last one again: no two messages of an engine are alike,
    for each bears a number of its own, and every copy would be decoded before it is found to be
    nobody's, while the loop has a line to serve. One that comes as the socket closes is nobody's
    too; the library raises for it, where only the loop hears of it."""

    _last = b""

    def datagram_received(self, datagram: bytes, address: Any) -> None:
        if datagram != self._last:
            self._last = datagram
            self.loop.call_soon(self._hear, address, datagram)  # type: ignore[attr-defined]

    def _hear(self, address: Any, datagram: bytes) -> None:
        hear: Any = self._callback_function  # type: ignore[attr-defined]
        if hear is not None:
            hear(self, address, datagram)


class UdpCarrier(_Heard, UdpAsyncioTransport):  # type: ignore[misc]
    """Over IPv4."""


class Udp6Carrier(_Heard, Udp6AsyncioTransport):  # type: ignore[misc]
    """Over IPv6."""


class UdpTarget(UdpTransportTarget):  # type: ignore[misc]
    PROTO_TRANSPORT = UdpCarrier


class Udp6Target(Udp6TransportTarget):  # type: ignore[misc]
    PROTO_TRANSPORT = Udp6Carrier

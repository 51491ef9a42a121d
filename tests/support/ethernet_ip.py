"""Controllers on EtherNet/IP for the suite of the PLC port."""

from typing import Any

from drivers.plcs.ethernet_ip.driver import build
from drivers.plcs.ethernet_ip.simulation import (
    EthernetIpSimulatorConfig,
    SimulatedFaults,
    SimulatedTag,
)
from drivers.plcs.ethernet_ip.simulator import EthernetIpSimulator
from drivers.plcs.tags import Scalar, TagType
from tests.support.plcs import PlcPeer

# A bit of a word, an element of an array of BOOL, an element, a program's tag: of each one.
ADDRESSES = {
    "run": "STATUS.5",
    "count": "COUNTS[2]",
    "speed": "Program:Main.SPEED",
    "reject": "OUTPUTS[33]",
    "setpoint": "SETPOINT",
    "stop": "OUTPUTS[34]",
    "missing": "NOWHERE",
}
TAGS = (
    SimulatedTag(name="STATUS", type=TagType.INT, values=(0b1000_0001,)),
    SimulatedTag(name="COUNTS", dimensions=(4,), values=(1, 2, 7, 3)),
    SimulatedTag(name="Program:Main.SPEED", type=TagType.REAL, values=(1.5,)),
    SimulatedTag(name="OUTPUTS", type=TagType.BOOL, dimensions=(64,)),
    SimulatedTag(name="SETPOINT", type=TagType.INT),
)


class EthernetIpPeer(PlcPeer):
    build = staticmethod(build)
    addresses = ADDRESSES

    def __init__(self, name: str, settings: dict[str, Any], **simulated: Any) -> None:
        self.name = name
        self.simulator = EthernetIpSimulator(EthernetIpSimulatorConfig(tags=TAGS, **simulated))
        self._settings = settings

    async def start(self) -> None:
        await self.simulator.start()

    async def close(self) -> None:
        await self.simulator.close()

    @property
    def settings(self) -> dict[str, Any]:
        place = {"host": "127.0.0.1", "port": self.simulator.port}
        return {"protocol": "ETHERNET_IP", **place, "ethernet_ip": self._settings}

    @property
    def calls(self) -> int:
        return self.simulator.called_count

    async def put(self, name: str, value: Scalar) -> None:
        self.simulator.set(self.addresses[name], value)

    async def get(self, name: str) -> Scalar:
        return self.simulator.value(self.addresses[name])

    def stall(self) -> None:
        self.simulator.stall()

    def resume(self) -> None:
        self.simulator.resume()

    def slow(self, delay_s: float) -> None:
        self.simulator.faults = SimulatedFaults(late_s=delay_s)

    def garble(self, on: bool) -> None:
        self.simulator.faults = SimulatedFaults(garbage=on)

    async def cut(self) -> None:
        await self.simulator.cut()

    async def abandon(self) -> None:
        await self.simulator.abandon()

    async def refuse(self) -> None:
        await self.simulator.refuse()

    async def accept(self) -> None:
        await self.simulator.accept()

    async def flood(self, size: int) -> None:
        await self.simulator.flood(size // 40)


def ethernet_ip() -> PlcPeer:
    """In the third slot of a chassis, on a large connection."""
    return EthernetIpPeer("ethernet_ip", {"slot": 3}, slot=3)


def ethernet_ip_small() -> PlcPeer:
    """An older one: small connections, no list of its tags, an answer for each question."""
    small = {"connection_bytes": 504, "lists_tags": False, "takes_several": False}
    return EthernetIpPeer("ethernet_ip_small", {}, **small)


def ethernet_ip_micro800() -> PlcPeer:
    """Without a chassis."""
    settings = {"micro800": True}
    return EthernetIpPeer("ethernet_ip_micro800", settings, slot=None, takes_several=False)

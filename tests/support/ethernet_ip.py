"""Controllers on EtherNet/IP for the suite of the PLC port, and drivers at any port."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from drivers.connections import Connections
from drivers.plcs.ethernet_ip.driver import build
from drivers.plcs.ethernet_ip.simulation import (
    EthernetIpSimulatorConfig,
    SimulatedAssembly,
    SimulatedFaults,
    SimulatedTag,
)
from drivers.plcs.ethernet_ip.simulator import EthernetIpSimulator
from drivers.plcs.port import PlcConfig, PlcPort
from drivers.plcs.tags import Scalar, TagBinding, TagType
from drivers.supervised import SupervisedTask
from tests.support.plcs import QUICK, PlcPeer, Told
from tests.support.waiting import DEADLINE_S, eventually

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


DEVICE_TAGS = (
    SimulatedTag(name="COUNT", values=(5,)),
    SimulatedTag(name="SPEED", type=TagType.REAL, values=(1.5,)),
    SimulatedTag(name="LR", type=TagType.LREAL, values=(-2.25,)),
    SimulatedTag(name="FLAG", type=TagType.BOOL, values=(True,)),
    SimulatedTag(name="ARR", type=TagType.INT, dimensions=(300,), values=tuple(range(300))),
    SimulatedTag(name="BIG", dimensions=(3000,), values=tuple(range(3000))),
    SimulatedTag(name="BITS", type=TagType.BOOL, dimensions=(64,), values=(True, False) * 32),
    SimulatedTag(name="TEXT", type=TagType.STRING, values=("hello",)),
    SimulatedTag(name="TEXTS", type=TagType.STRING, dimensions=(3,), values=("a", "b")),
    SimulatedTag(name="CODE", type=TagType.SINT, dimensions=(40,)),
    SimulatedTag(name="M", type=TagType.INT, dimensions=(3, 4), values=tuple(range(12))),
    SimulatedTag(name="U8", type=TagType.USINT, values=(200,)),
    SimulatedTag(name="U64", type=TagType.ULINT, values=(2**63,)),
    SimulatedTag(name="RO", values=(7,), writable=False),
    SimulatedTag(name="Program:Main.REJECT", type=TagType.BOOL),
    SimulatedTag(name="Program:Main.N", type=TagType.INT, values=(-3,)),
)
DEVICE_ASSEMBLIES = (
    SimulatedAssembly(instance=100, size=8, data=b"\x01\x02abc"),
    SimulatedAssembly(instance=300, size=4, writable=True),
)
# One of everything.
DEVICE = EthernetIpSimulatorConfig(slot=2, tags=DEVICE_TAGS, assemblies=DEVICE_ASSEMBLIES)


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


def bound(name: str, address: str, kind: TagType = TagType.DINT, **more: Any) -> TagBinding:
    given = {"name": name, "plc": "press", "address": address, "type": kind, **more}
    return TagBinding(**{"poll_interval_s": 0.02, **given})


def config_at(port: int, **more: Any) -> PlcConfig:
    given = {"id": "press", "protocol": "ETHERNET_IP", "host": "127.0.0.1", "port": port}
    return PlcConfig.parse({**given, "timeout_s": 1.0, **more})


@asynccontextmanager
async def driven(
    port: int, bindings: list[TagBinding], *, connections: Connections | None = None, **more: Any
) -> AsyncIterator[tuple[PlcPort, SupervisedTask, Told]]:
    """Started, and not yet connected."""
    told = Told()
    plc = build(config_at(port, **more), bindings, told, connections or Connections())
    task = SupervisedTask("plc-press", plc, backoff=QUICK)
    task.start()
    try:
        yield plc, task, told
    finally:
        async with asyncio.timeout(DEADLINE_S):
            await task.stop()


async def no_threads() -> None:
    await eventually(
        lambda: not [t for t in threading.enumerate() if t.name.startswith("ethernet-ip")]
    )

"""The controller on EtherNet/IP."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from drivers.plcs.ethernet_ip.simulation import EthernetIpSimulatorConfig, SimulatedTag
from drivers.plcs.ethernet_ip.simulator import EthernetIpSimulator
from drivers.plcs.tags import Scalar
from oktograph.simulation.controllers.base import Controller
from oktograph.simulation.misfortunes import Faulty
from oktograph.simulation.points import Point


class EthernetIpController(Controller):
    def __init__(self, points: Sequence[Point], *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(points)
        self._host = host
        tags = [
            SimulatedTag(
                name=one.name.upper(), type=one.type, values=(one.value,), writable=one.writable
            )
            for one in points
        ]
        config = EthernetIpSimulatorConfig(host=host, port=port, tags=tuple(tags))
        self.target = EthernetIpSimulator(config)

    @property
    def simulator(self) -> AbstractAsyncContextManager[Any]:
        return self.target

    @property
    def faulty(self) -> Faulty:
        return Faulty(self.target.stall, self.target.resume, self.target.cut)

    @property
    def where(self) -> str:
        return f"{self._host}:{self.target.port}"

    def settings(self) -> dict[str, Any]:
        return {"protocol": "ETHERNET_IP", "host": self._host, "port": self.target.port}

    def address(self, point: Point) -> str:
        return point.name.upper()

    async def get(self, name: str) -> Scalar:
        return self.target.value(name.upper())

    async def set(self, name: str, value: Scalar) -> None:
        self.target.set(name.upper(), value)

    async def rises(self, name: str) -> None:
        await self.target.until(lambda: not self.target.value(name.upper()))
        await self.target.until(lambda: bool(self.target.value(name.upper())))

    async def told(self, name: str) -> None:
        await self.target.told(name.upper())

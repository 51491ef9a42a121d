"""The controller with a text protocol."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from drivers.plcs.tags import Scalar
from drivers.plcs.tcp_socket.simulation import SimulatedPoint, SimulatorConfig
from drivers.plcs.tcp_socket.simulator import TcpSocketSimulator
from oktograph.simulation.controllers.base import Controller
from oktograph.simulation.misfortunes import Faulty
from oktograph.simulation.points import Point


class TextController(Controller):
    """With the words that the driver has where it is told no others."""

    def __init__(self, points: Sequence[Point], *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(points)
        shown = [
            SimulatedPoint(address=one.name, type=one.type, value=one.value, writable=one.writable)
            for one in points
        ]
        self.server = TcpSocketSimulator(SimulatorConfig(host=host, port=port, points=tuple(shown)))

    @property
    def simulator(self) -> AbstractAsyncContextManager[Any]:
        return self.server

    @property
    def faulty(self) -> Faulty:
        relay = self.server.relay
        return Faulty(relay.stall, relay.resume, relay.cut)

    @property
    def where(self) -> str:
        return f"{self.server.config.host}:{self.server.port}"

    def settings(self) -> dict[str, Any]:
        where = {"host": self.server.config.host, "port": self.server.port}
        return {"protocol": "TCP_SOCKET", **where}

    def address(self, point: Point) -> str:
        return point.name

    async def get(self, name: str) -> Scalar:
        return self.server.value(name)

    async def set(self, name: str, value: Scalar) -> None:
        await self.server.set(name, value)

    async def rises(self, name: str) -> None:
        self.server.writes.clear()
        await self.server.written(name, True)

    async def told(self, name: str) -> None:
        await self.server.told(name)

"""The controller with an OPC UA server."""

import socket
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from drivers.plcs.opc_ua.simulation import NAMESPACE_URI, SimulatedNode, SimulatorConfig
from drivers.plcs.tags import Scalar
from oktograph.simulation.controllers.base import Controller
from oktograph.simulation.misfortunes import Faulty
from oktograph.simulation.points import Point

_FOLDER: Final = "Line"
_PATH: Final = "/line"


class OpcUaController(Controller):
    """Made off the event loop where that matters: its library takes a while to load. With a
    `listener` it can be dialled before it is there, and then answers."""

    def __init__(
        self,
        points: Sequence[Point],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        listener: socket.socket | None = None,
    ) -> None:
        from drivers.plcs.opc_ua.simulator import OpcUaSimulator  # slow to import

        super().__init__(points)
        nodes = [
            SimulatedNode(
                name=f"{_FOLDER}.{one.name}",
                type=one.type,
                value=one.value,
                writable=one.writable,
                description=one.unit or "",
            )
            for one in points
        ]
        config = SimulatorConfig(host=host, port=port, path=_PATH, nodes=tuple(nodes))
        self.server = OpcUaSimulator(config, listener)

    @property
    def simulator(self) -> AbstractAsyncContextManager[Any]:
        return self.server

    @property
    def faulty(self) -> Faulty:
        relay = self.server.relay
        return Faulty(relay.stall, relay.resume, relay.cut)

    @property
    def where(self) -> str:
        config = self.server.config
        return f"opc.tcp://{config.host}:{self.server.port}{config.path}"

    def settings(self) -> dict[str, Any]:
        config = self.server.config
        return opc_ua_settings(config.host, self.server.port)

    def address(self, point: Point) -> str:
        return opc_ua_address(point)

    async def get(self, name: str) -> Scalar:
        return await self.server.value(f"{_FOLDER}.{name}")

    async def set(self, name: str, value: Scalar) -> None:
        await self.server.set(f"{_FOLDER}.{name}", value)

    async def rises(self, name: str) -> None:
        self.server.writes.clear()
        await self.server.written(f"{_FOLDER}.{name}", True)

    async def told(self, name: str) -> None:
        """At once: who subscribes is told each change, the short ones too."""


def opc_ua_settings(host: str, port: int) -> dict[str, Any]:
    """Known before the server is there."""
    return {
        "protocol": "OPC_UA",
        "host": host,
        "port": port,
        "opcUa": {"path": _PATH},
    }


def opc_ua_address(point: Point) -> str:
    return f"nsu={NAMESPACE_URI};s={_FOLDER}.{point.name}"

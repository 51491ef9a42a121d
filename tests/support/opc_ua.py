"""OPC UA servers as peers: of the PLC suite, and of tests that need more of one."""

from typing import Any

from drivers.plcs.opc_ua.driver import build
from drivers.plcs.opc_ua.simulation import SimulatorConfig
from drivers.plcs.opc_ua.simulator import OpcUaSimulator
from drivers.plcs.tags import Scalar
from tests.support.plcs import FIRST, TAGS, PlcPeer

# The server's own namespaces come before the line's.
ADDRESSES = {name: f"ns=2;s=Line.{name.title()}" for name in TAGS}
PUBLISHING_S = 0.05


def nodes() -> list[dict[str, Any]]:
    """TAGS but `missing`, each raw: `setpoint` is an INT of half units."""
    values = {**FIRST, "setpoint": 0, "stop": False}
    return [
        {
            "name": f"Line.{name.title()}",
            "type": TAGS[name]["type"],
            "value": value,
            "writable": TAGS[name].get("access") != "READ",
        }
        for name, value in values.items()
    ]


def simulated(**config: Any) -> OpcUaSimulator:
    return OpcUaSimulator(SimulatorConfig.model_validate({"nodes": nodes(), **config}))


class OpcUaPeer(PlcPeer):
    name = "opc-ua"
    build = staticmethod(build)
    addresses = ADDRESSES

    def __init__(self, simulator: OpcUaSimulator | None = None, **settings: Any) -> None:
        self.simulator = simulator or simulated()
        self._settings = settings

    async def start(self) -> None:
        await self.simulator.start()

    async def close(self) -> None:
        await self.simulator.close()

    @property
    def settings(self) -> dict[str, Any]:
        own = {"path": "/line", "publishing_interval_s": PUBLISHING_S, **self._settings}
        where = {"host": "127.0.0.1", "port": self.simulator.port}
        return {"protocol": "OPC_UA", **where, "opc_ua": own}

    @property
    def calls(self) -> int:
        return self.simulator.relay.opened_count

    async def put(self, name: str, value: Scalar) -> None:
        await self.simulator.set(f"Line.{name.title()}", value)

    async def get(self, name: str) -> Scalar:
        return await self.simulator.value(f"Line.{name.title()}")

    def stall(self) -> None:
        self.simulator.relay.stall()

    def resume(self) -> None:
        self.simulator.relay.resume()

    def slow(self, delay_s: float) -> None:
        self.simulator.relay.delay_s = delay_s

    def garble(self, on: bool) -> None:
        self.simulator.relay.garbles = on

    async def cut(self) -> None:
        self.simulator.relay.cut()

    async def abandon(self) -> None:
        self.simulator.relay.abandon()

    async def refuse(self) -> None:
        self.simulator.relay.refuses = True

    async def accept(self) -> None:
        self.simulator.relay.refuses = False

    async def flood(self, size: int) -> None:
        await self.simulator.relay.flood(size)


def opc_ua() -> PlcPeer:
    return OpcUaPeer()
